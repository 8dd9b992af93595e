"""Engines: PostgreSQL, NATS, the lake and jobs; start the embedded one or connect to the given one."""
