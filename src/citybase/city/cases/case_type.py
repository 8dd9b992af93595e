"""The parts of a case type: states, actions, clocks, dispatch rules, what opens one.

The verbs are those of the field: 受理 accept, 立案 register, 派遣 dispatch, 处置 handle, 核查 verify, 结案 close,
评价 rate, 退回 return, 改派 reassign. The engine knows none of them; it reads the table.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec

__all__ = [
    "PRIORITIES",
    "ActionDefinition",
    "Assignment",
    "CaseTypeDefinition",
    "ClockDefinition",
    "DispatchRule",
    "Limit",
    "StateDefinition",
    "Subscription",
]

Identifier = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Priority = Literal["urgent", "high", "normal", "low"]
Body = Literal["owner", "registrar", "handler"]

PRIORITIES: tuple[Priority, ...] = ("urgent", "high", "normal", "low")
"""紧急, 较急, 一般, 低; the rank stored is the place in this tuple, from 1."""


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What all parts share: unknown fields are errors, so that a typing mistake is found at once."""


class StateDefinition(Definition, frozen=True):
    """`terminal`: the case is closed here; from it only other terminal states can be reached (评价 after 结案)."""

    id: Identifier
    name: Name
    name_en: Name
    terminal: bool = False


class Assignment(Definition, frozen=True):
    """Who holds the case afterwards: the organisation named in a form field, else a body, else nobody new.

    `dispatch` asks the dispatch rules; `handler` is the body it was last dispatched to.
    """

    field: str | None = None
    to: Literal["registrar", "handler", "dispatch"] | None = None
    handles: bool = False
    """Whether that body becomes the handler 承办单位."""


class ActionDefinition(Definition, frozen=True):
    """One verb. `by` says which body's people act; `permission` is an action of the access policy."""

    id: Identifier
    name: Name
    name_en: Name
    from_: Annotated[list[Identifier], msgspec.Meta(min_length=1)] = msgspec.field(name="from")
    to: Identifier
    permission: str
    by: Body = "owner"
    assign: Assignment | None = None
    comment: Literal["optional", "required"] = "optional"
    form: dict[str, Any] | None = None
    primary: bool = False


class Limit(Definition, frozen=True):
    """A time allowed, one of: office hours, whole working days, or hours by the clock on the wall."""

    working: timedelta | None = None
    working_days: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    calendar: timedelta | None = None

    @property
    def kind(self) -> Literal["working", "working_days", "calendar"]:
        if self.working is not None:
            return "working"
        return "calendar" if self.calendar is not None else "working_days"


class ClockDefinition(Definition, frozen=True):
    """Runs while the case is in one of the states `runs_in`; starts afresh each time they are entered.

    `per_owner`: also when the case passes from one body to another, so that nobody inherits another's delay.
    """

    id: Identifier
    name: Name
    name_en: Name
    runs_in: Annotated[list[Identifier], msgspec.Meta(min_length=1)]
    limit: Limit
    by_priority: dict[Priority, Limit] = {}
    per_owner: bool = False

    def limit_for(self, priority: Priority) -> Limit:
        return self.by_priority.get(priority, self.limit)


class DispatchRule(Definition, frozen=True):
    """Which organisation answers for a case; `{area_code}` stands for its area or the division above it."""

    organization: str
    areas: list[str] = []
    """Area code prefixes it holds for; none: everywhere."""


class Subscription(Definition, frozen=True):
    """An event that opens a case. `where` compares fields of the event's data; `{field}` in `title` is filled in."""

    event: Literal["alarm.raised"]
    title: Name
    where: dict[str, str | list[str]] = {}
    data: dict[str, str] = {}
    """Field of the case's data -> field of the event's data."""


class CaseTypeDefinition(Definition, frozen=True):
    """One kind of 事项. `registrar` is the code of the organisation that takes it in; it starts in the first state."""

    id: Identifier
    name: Name
    name_en: Name
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{1,12}(-[A-Z0-9]{1,12}){0,3}$")]
    registrar: str
    states: Annotated[list[StateDefinition], msgspec.Meta(min_length=1)]
    actions: list[ActionDefinition]
    description: str = ""
    serves: list[str] = []
    intake: dict[str, Any] | None = None
    clocks: list[ClockDefinition] = []
    dispatch: list[DispatchRule] = []
    subscribes: list[Subscription] = []

    def state(self, id_: str) -> StateDefinition:
        return next(state for state in self.states if state.id == id_)

    def action(self, id_: str) -> ActionDefinition | None:
        return next((action for action in self.actions if action.id == id_), None)

    def clock(self, id_: str) -> ClockDefinition:
        return next(clock for clock in self.clocks if clock.id == id_)
