"""Resource 资源: one entry of the one ledger (一本账). Its kind gives it a schema, a life cycle, properties.

Attributes are validated by the kind's JSON Schema (draft 2020-12); classification follows the four levels public,
internal, important 重要, core 核心 (GB/T 43697 names general, important and core data).
"""
