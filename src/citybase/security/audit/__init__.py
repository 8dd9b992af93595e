"""Audit log (审计日志): every write and every classified read, in a Merkle log that anybody can verify offline.

Tree and proofs after RFC 9162 §2.1 with SHA-256 or SM3 (GB/T 32905); files after C2SP tlog-tiles, tlog-checkpoint,
signed-note and tlog-proof. With SM3 the layout is the same, though those texts name SHA-256 only.

This face needs no database, so that a log can be verified anywhere; `integrate`, `queries` and `api` beside it are what
joins the log to the running city.
"""

from citybase.security.audit.entries import Actor, Entry, Target, digest
from citybase.security.audit.keys import KeyFormatError, VerifierKey
from citybase.security.audit.log import AuditLog, LogReader, open_log
from citybase.security.audit.proof import InclusionProof
from citybase.security.audit.tiles import LogDamagedError
from citybase.security.audit.verify import Report, verify_folder

__all__ = [
    "Actor",
    "AuditLog",
    "Entry",
    "InclusionProof",
    "KeyFormatError",
    "LogDamagedError",
    "LogReader",
    "Report",
    "Target",
    "VerifierKey",
    "digest",
    "open_log",
    "verify_folder",
]
