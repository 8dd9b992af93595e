"""横3 数据管理层: catalogue, quality, master data, sharing, opening."""
