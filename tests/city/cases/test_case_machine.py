"""Whatever sequence of actions by whomever: a case stays one that its definition allows."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select, text

from citybase.city.cases import NewCase, Performance, note_late, open_case, perform, read_case
from citybase.city.cases.models import case_clock, case_record, case_step
from citybase.city.cases.views import CaseDetail
from citybase.engines.postgres import Database, metadata
from citybase.kernel.errors import Problem
from citybase.security.principals import SYSTEM
from citybase.security.transactions import audit_pending, begin
from tests.city.a_city import AIR_POLLUTION, City, found_city

T = TypeVar("T")
ACTIONS = [action.id for action in AIR_POLLUTION.actions]
FORMS: list[dict[str, Any]] = [
    {},
    {"cause": "dust", "measures": "洒水"},
    {"organization": "610113-eco"},
    {"organization": "nowhere"},
    {"score": 3},
]
EXPECTED = {"not_found", "forbidden", "case_action_unavailable", "invalid_input", "version_conflict"}


class CaseMachine(RuleBasedStateMachine):
    """One case under random actions; `city` and `runner` are shared, each machine opens its own case."""

    city: City
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = ["opened"]
        self.case_id = self.run(self._open())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _open(self) -> UUID:
        new = NewCase(type="air-pollution", title="扬尘", area_code="610116", data={"description": "渣土车"})
        async with begin(self.city.database, self.city.operator) as tx:
            return await open_case(tx, new)

    def case(self) -> CaseDetail:
        return self.run(read_case(self.city.database, SYSTEM, self.case_id))

    @rule(who=st.integers(0, 3), action=st.sampled_from([*ACTIONS, "fly"]), form=st.sampled_from(FORMS))
    def somebody_tries_anything(self, who: int, action: str, form: dict[str, Any]) -> None:
        self._try(who, action, Performance(form=form, comment="意见"))

    @rule(who=st.integers(0, 3), choice=st.integers(0, 5), form=st.sampled_from(FORMS), stale=st.booleans())
    def somebody_takes_an_offered_action(self, who: int, choice: int, form: dict[str, Any], *, stale: bool) -> None:
        version = self.case().version - stale
        self._try(who, self._offered(who, choice), Performance(form=form, comment="意见", version=version))

    def _offered(self, who: int, choice: int) -> str:
        try:
            case = self.run(read_case(self.city.database, self.city.people[who], self.case_id))
        except Problem:
            return "fly"
        actions = case.available_actions
        return actions[choice % len(actions)].id if actions else "fly"

    def _try(self, who: int, action: str, performance: Performance) -> None:
        before = self.case()
        refusal = self.run(self._perform(who, action, performance))
        if refusal is not None:
            assert refusal in EXPECTED
            assert self.case().version == before.version
            return
        allowed = AIR_POLLUTION.action(action)
        assert allowed is not None
        assert before.state.id in allowed.from_
        self.done.append(action)

    async def _perform(self, who: int, action: str, performance: Performance) -> str | None:
        """The code of the refusal; None when it was done."""
        try:
            async with begin(self.city.database, self.city.people[who]) as tx:
                await perform(tx, self.case_id, action, performance)
        except Problem as problem:
            return problem.code
        return None

    @rule()
    def the_job_looks_for_late_cases(self) -> None:
        assert self.run(note_late(self.city.database)) == 0

    @invariant()
    def the_timeline_replays_to_the_state(self) -> None:
        case = self.case()
        assert [step.action for step in case.timeline] == self.done
        state = None
        for step in case.timeline:
            assert step.from_ == state
            state = step.to
        assert state == case.state.id
        assert case.version == len(case.timeline)

    @invariant()
    def clocks_run_where_the_definition_says(self) -> None:
        case = self.case()
        running = sorted(clock.id for clock in case.clocks if clock.stopped_at is None)
        assert running == sorted(clock.id for clock in AIR_POLLUTION.clocks if case.state.id in clock.runs_in)
        assert case.due_at == min((clock.due_at for clock in case.clocks if clock.stopped_at is None), default=None)
        assert (case.closed_at is None) is not AIR_POLLUTION.state(case.state.id).terminal

    @invariant()
    def everything_done_is_audited(self) -> None:
        async def count() -> int:
            async with self.city.database.begin() as connection:
                mine = audit_pending.c.target_id == str(self.case_id)
                return int(await connection.scalar(select(func.count()).where(mine)) or 0)

        assert self.run(count()) == len(self.done)


@pytest.fixture
def machine(postgres_url: str) -> Iterator[type[CaseMachine]]:
    with asyncio.Runner() as runner:
        database = Database(postgres_url)

        async def found() -> City:
            tables = ", ".join(f'"{name}"' for name in metadata.tables)
            async with database.begin() as connection:
                await connection.execute(text(f"TRUNCATE {tables} CASCADE"))
            return await found_city(database)

        CaseMachine.city, CaseMachine.runner = runner.run(found()), runner
        yield CaseMachine
        runner.run(database.close())


def test_any_sequence_of_actions_keeps_a_case_consistent(machine: type[CaseMachine]) -> None:
    effort = settings(
        max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(machine, settings=effort)

    async def leftovers() -> tuple[int, int]:
        async with machine.city.database.begin() as connection:
            orphans = (
                select(func.count()).select_from(case_step.outerjoin(case_record)).where(case_record.c.id.is_(None))
            )
            ended = select(func.count()).select_from(case_clock.join(case_record))
            ended = ended.where(case_record.c.closed_at.is_not(None), case_clock.c.stopped_at.is_(None))
            return int(await connection.scalar(orphans) or 0), int(await connection.scalar(ended) or 0)

    assert machine.runner.run(leftovers()) == (0, 0)
