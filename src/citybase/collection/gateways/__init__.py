<<<<<<< HEAD
"""Gateways (接入网关): the ways devices deliver readings — MQTT (who may connect), HJ 212 over TCP, HTTP batches.

Runs as a process of its own: `python -m citybase.collection.gateways`; the HTTP way is part of the server.
"""
=======
"""Device protocols (设备协议接入): each folder decodes one national or industry protocol into city terms."""
>>>>>>> main
