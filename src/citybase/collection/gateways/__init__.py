"""Device protocols (设备协议接入): each folder decodes one national or industry protocol into city terms."""
