"""横2 数据汇聚层: gateways, observer, connectors, exchange."""
