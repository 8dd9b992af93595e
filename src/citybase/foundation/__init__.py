"""横1 基础资源层: terminals, video, networks, clouds, compute, airspace."""
