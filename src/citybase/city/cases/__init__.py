"""Case 事项: something that must be handled by somebody in time. One table-driven engine serves every kind.

States and verbs follow the urban grid management standards (GB/T 30428) and the field's usage: 受理 accept, 立案
register, 派遣 dispatch, 处置 handle, 核查 verify, 结案 close, 评价 rate, 退回 return, 改派 reassign.
"""

from citybase.city.cases.actions import NewCase, Performance, open_case, perform
from citybase.city.cases.definitions import CaseTypeDefinition, apply_definitions, check
from citybase.city.cases.lateness import note_late
from citybase.city.cases.queries import list_cases, read_case, read_queues
from citybase.city.cases.react import on_event

__all__ = [
    "CaseTypeDefinition",
    "NewCase",
    "Performance",
    "apply_definitions",
    "check",
    "list_cases",
    "note_late",
    "on_event",
    "open_case",
    "perform",
    "read_case",
    "read_queues",
]
