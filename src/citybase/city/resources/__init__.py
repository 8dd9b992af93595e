"""Resource 资源: one entry of the one ledger (一本账). Its kind gives it a schema, a life cycle, properties."""
