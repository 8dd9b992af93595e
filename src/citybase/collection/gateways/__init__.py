"""Gateways (接入网关): the ways devices deliver readings — MQTT (who may connect), HJ 212 over TCP, HTTP batches.

Each protocol is a folder or file that decodes it into city terms. Runs as a process of its own:
`python -m citybase.collection.gateways`; the HTTP way is part of the server.
"""
