"""横4 应用支撑层: places, codes, identity nodes, messages, evidence."""
