"""A case from the alarm that opens it to its rating."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import anyio
import pytest
from sqlalchemy import func, select, update

from citybase.city.cases import NewCase, Performance, note_late, on_event, open_case, perform, read_case
from citybase.city.cases.models import case_clock, case_record
from citybase.city.cases.queries import CaseFilter, list_cases, read_queues
from citybase.city.cases.views import CaseDetail
from citybase.engines.outbox import outbox
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.kernel.events import Event
from citybase.kernel.ids import new_id
from citybase.security.principals import SYSTEM, Principal
from citybase.security.transactions import audit_pending, begin
from tests.city.a_city import City

pytestmark = pytest.mark.anyio

HANDLED = {"cause": "dust", "measures": "已覆盖裸土并洒水"}
WHOLE_LIFE: list[tuple[str, str, dict[str, Any]]] = [
    ("operator", "accept", {}),
    ("operator", "register", {}),
    ("operator", "dispatch", {}),
    ("clerk", "handle", HANDLED),
    ("operator", "verify", {}),
    ("operator", "close", {}),
    ("leader", "rate", {"score": 5}),
]


def raised(city: City, **more: Any) -> Event:
    data = {
        "case_type": "air-pollution",
        "resource_id": str(city.station),
        "rule_id": "pm25-high",
        "property": "pm25",
        "value": 180.0,
        "priority": "high",
        "message": "长安站 PM2.5 超过 150",
    }
    return Event(type="alarm.raised", subject=str(new_id()), data=data | more)


async def happen(city: City, event: Event) -> UUID | None:
    async with begin(city.database, SYSTEM) as tx:
        return await on_event(tx, event)


async def opened(city: City, **more: Any) -> UUID:
    case_id = await happen(city, raised(city, **more))
    assert case_id is not None
    return case_id


async def act(city: City, who: Principal, case_id: UUID, action: str, **how: Any) -> CaseDetail:
    async with begin(city.database, who) as tx:
        await perform(tx, case_id, action, Performance(**how))
    return await read_case(city.database, SYSTEM, case_id)


async def live(city: City, case_id: UUID, until: str) -> None:
    """Perform the ordinary actions up to and including one."""
    for who, action, form in WHOLE_LIFE:
        await act(city, getattr(city, who), case_id, action, form=form)
        if action == until:
            return


async def test_an_alarm_opens_one_case_however_often_its_event_comes(city: City) -> None:
    event = raised(city)
    first = await happen(city, event)
    assert first == await happen(city, event)
    case = await read_case(city.database, city.operator, first or new_id())
    assert case.number.startswith("XA-AIR-")
    assert case.number.endswith("-0001")
    assert (case.title, case.priority, case.area_name) == ("长安站 PM2.5 超过 150", "high", "长安区")
    assert (case.state.id, case.owner.name) == ("received", "市数据局")
    assert case.data == {"rule": "pm25-high", "value": 180.0}
    assert case.alarm is not None
    assert str(case.alarm.id) == event.subject
    assert case.place == "韦曲街道"


async def test_two_deliveries_at_the_same_moment_open_one_case(city: City) -> None:
    event = raised(city)
    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(happen, city, event)
    async with city.database.begin() as connection:
        assert await connection.scalar(select(func.count()).select_from(case_record)) == 1


async def test_an_alarm_that_no_case_type_subscribes_to_opens_nothing(city: City) -> None:
    assert await happen(city, raised(city, case_type="flood")) is None


@pytest.mark.parametrize(("given", "kept"), [("urgent", "urgent"), (2, "high"), (None, "normal"), ("odd", "normal")])
async def test_an_alarms_priority_is_the_cases(city: City, given: Any, kept: str) -> None:
    assert (await read_case(city.database, SYSTEM, await opened(city, priority=given))).priority == kept


async def test_an_alarm_of_a_resource_that_is_gone_still_opens_its_case(city: City) -> None:
    case = await read_case(city.database, SYSTEM, await opened(city, resource_id=str(new_id())))
    assert case.resource is None


async def test_a_cleared_alarm_is_noted_once_and_changes_nothing(city: City) -> None:
    event = raised(city)
    case_id = await happen(city, event)
    cleared = Event(type="alarm.cleared", subject=event.subject, data={})
    await happen(city, cleared)
    assert await happen(city, cleared) == case_id
    case = await read_case(city.database, SYSTEM, case_id or new_id())
    assert [step.name for step in case.timeline] == ["事项生成", "告警解除"]
    assert (case.state.id, case.version) == ("received", 1)
    assert case.alarm is not None
    assert case.alarm.cleared_at is not None


async def test_a_case_lives_from_accepting_to_rating_and_every_step_is_on_its_timeline(city: City) -> None:
    case_id = await opened(city)
    await live(city, case_id, "rate")
    case = await read_case(city.database, city.leader, case_id)
    assert [step.action for step in case.timeline] == ["opened", *(action for _, action, _ in WHOLE_LIFE)]
    assert case.state.id == "rated"
    assert case.closed_at is not None
    assert (case.due_at, case.remaining_seconds, case.who_next) == (None, None, None)
    assert case.handler is not None
    assert case.handler.name == "长安区生态环境局"
    assert all(clock.stopped_at and clock.state == "met" for clock in case.clocks)


async def test_every_step_leaves_an_audit_entry_and_an_event(city: City) -> None:
    await live(city, await opened(city), "rate")
    async with city.database.begin() as connection:
        audited = await connection.scalars(select(audit_pending.c.action).where(audit_pending.c.target_type == "case"))
        emitted = await connection.scalars(select(outbox.c.type))
    expected = ["case.opened", *(f"case.{action}" for _, action, _ in WHOLE_LIFE)]
    assert sorted(audited) == sorted(expected)
    assert sorted(emitted) == sorted(expected)


async def test_dispatching_hands_it_to_the_bureau_of_the_place_and_says_so_before(city: City) -> None:
    case_id = await opened(city, priority="normal")
    await live(city, case_id, "register")
    before = await read_case(city.database, city.operator, case_id)
    (dispatch,) = before.available_actions
    assert dispatch.assigns is not None
    assert dispatch.assigns.name == "长安区生态环境局"
    after = await act(city, city.operator, case_id, "dispatch")
    assert after.owner.name == "长安区生态环境局"
    assert after.who_next is not None
    assert [action.id for action in after.who_next.actions] == ["handle", "return"]


async def test_a_named_organisation_goes_before_the_dispatch_rule(city: City) -> None:
    case_id = await opened(city)
    await live(city, case_id, "register")
    case = await act(city, city.operator, case_id, "dispatch", form={"organization": "610113-eco"})
    assert case.owner.name == "雁塔区生态环境局"


async def test_an_organisation_that_does_not_exist_is_refused_at_its_field(city: City) -> None:
    case_id = await opened(city)
    await live(city, case_id, "register")
    with pytest.raises(Problem) as refused:
        await act(city, city.operator, case_id, "dispatch", form={"organization": "nowhere"})
    assert refused.value.errors[0].pointer == "/form/organization"


async def test_a_returned_case_goes_back_to_the_centre_and_can_be_sent_elsewhere(city: City) -> None:
    case_id = await opened(city)
    await live(city, case_id, "dispatch")
    back = await act(city, city.clerk, case_id, "return", comment="不属本辖区")
    assert (back.state.id, back.owner.name) == ("registered", "市数据局")
    again = await act(city, city.operator, case_id, "dispatch", form={"organization": "610113-eco"})
    assert again.owner.name == "雁塔区生态环境局"
    done = await act(city, city.neighbour, case_id, "handle", form=HANDLED)
    assert done.state.id == "handled"


async def test_a_reassigned_body_gets_its_own_full_time(city: City) -> None:
    case_id = await opened(city)
    await live(city, case_id, "dispatch")
    new_body = {"organization": "610113-eco"}
    case = await act(city, city.operator, case_id, "reassign", comment="属雁塔区", form=new_body)
    handling = [clock for clock in case.clocks if clock.id == "handle"]
    assert [(clock.owner.name, clock.state) for clock in handling] == [
        ("长安区生态环境局", "met"),
        ("雁塔区生态环境局", "running"),
    ]


async def test_work_that_fails_verification_goes_back_to_who_did_it(city: City) -> None:
    case_id = await opened(city)
    await live(city, case_id, "handle")
    case = await act(city, city.operator, case_id, "rework", comment="现场仍有扬尘")
    assert (case.state.id, case.owner.name) == ("dispatched", "长安区生态环境局")


async def test_an_action_of_another_state_is_refused_with_both_names(city: City) -> None:
    case_id = await opened(city)
    with pytest.raises(Problem) as refused:
        await act(city, city.operator, case_id, "close")
    assert (refused.value.code, refused.value.status) == ("case_action_unavailable", 409)
    assert "待受理" in refused.value.document("zh-CN").detail
    with pytest.raises(Problem, match="no_such_verb"):
        await act(city, city.operator, case_id, "no_such_verb")


async def test_only_the_people_of_the_body_that_holds_it_may_act(city: City) -> None:
    case_id = await opened(city)
    await live(city, case_id, "dispatch")
    with pytest.raises(Problem) as refused:
        await act(city, city.operator, case_id, "handle", form=HANDLED)
    assert refused.value.code == "forbidden"
    with pytest.raises(Problem) as hidden:
        await act(city, city.neighbour, case_id, "handle", form=HANDLED)
    assert hidden.value.code == "not_found"


async def test_a_comment_and_form_that_are_required_are_asked_for_by_name(city: City) -> None:
    case_id = await opened(city)
    with pytest.raises(Problem) as no_reason:
        await act(city, city.operator, case_id, "reject", comment="  ")
    assert no_reason.value.errors[0].pointer == "/comment"
    await live(city, case_id, "dispatch")
    with pytest.raises(Problem) as incomplete:
        await act(city, city.clerk, case_id, "handle", form={"cause": "magic"})
    assert {error.pointer for error in incomplete.value.errors} == {"/form/cause", "/form/measures"}


async def test_whoever_looked_at_an_older_version_is_told(city: City) -> None:
    case_id = await opened(city)
    await act(city, city.operator, case_id, "accept", version=1)
    with pytest.raises(Problem) as stale:
        await act(city, city.operator, case_id, "register", version=1)
    assert (stale.value.code, stale.value.status) == ("version_conflict", 412)


async def test_of_two_people_acting_at_once_one_wins_and_the_other_gets_a_clear_conflict(city: City) -> None:
    case_id = await opened(city)
    outcomes: list[str] = []

    async def try_to(action: str, comment: str) -> None:
        try:
            await act(city, city.operator, case_id, action, version=1, comment=comment)
            outcomes.append("done")
        except Problem as problem:
            outcomes.append(problem.code)

    async with anyio.create_task_group() as group:
        group.start_soon(try_to, "accept", "")
        group.start_soon(try_to, "reject", "重复上报")
    assert sorted(outcomes) == ["done", "version_conflict"]
    assert len((await read_case(city.database, SYSTEM, case_id)).timeline) == 2


async def test_a_case_taken_in_by_hand_is_seen_by_the_body_that_reported_it(city: City) -> None:
    new = NewCase(type="air-pollution", title="工地扬尘", area_code="610116", data={"description": "渣土车未覆盖"})
    async with begin(city.database, city.neighbour) as tx:
        case_id = await open_case(tx, new)
    case = await read_case(city.database, city.neighbour, case_id)
    assert (case.opened_by.name, case.alarm) == ("雁塔承办人", None)
    assert case.available_actions == []
    with pytest.raises(Problem, match="Not found"):
        await read_case(city.database, city.clerk, case_id)


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (NewCase(type="no-such-type", title="x"), "invalid_input"),
        (NewCase(type="air-pollution", title="x", data={}), "invalid_input"),
        (NewCase(type="air-pollution", title="x\0y", data={"description": "a"}), "invalid_input"),
        (NewCase(type="air-pollution", title="x", resource_id=new_id(), data={"description": "a"}), "not_found"),
    ],
)
async def test_a_wrong_intake_is_refused(city: City, new: NewCase, code: str) -> None:
    with pytest.raises(Problem) as refused:
        async with begin(city.database, city.operator) as tx:
            await open_case(tx, new)
    assert refused.value.code == code


async def open_and_fail(city: City) -> None:
    async with begin(city.database, city.operator) as tx:
        await open_case(tx, NewCase(type="air-pollution", title="x", data={"description": "a"}))
        raise Problem("conflict", reason="rolled back")


async def test_numbers_count_on_by_day_without_gaps(city: City) -> None:
    numbers = [(await read_case(city.database, SYSTEM, await opened(city))).number for _ in range(3)]
    with pytest.raises(Problem, match="rolled back"):
        await open_and_fail(city)
    numbers.append((await read_case(city.database, SYSTEM, await opened(city))).number)
    assert [number[-4:] for number in numbers] == ["0001", "0002", "0003", "0004"]


async def test_a_late_case_is_announced_once_and_stands_in_the_late_queue(city: City) -> None:
    case_id = await opened(city)
    past = now() - timedelta(minutes=5)
    async with city.database.begin() as connection:
        await connection.execute(update(case_clock).values(due_at=past))
        await connection.execute(update(case_record).values(due_at=past))
    assert await note_late(city.database) == 1
    assert await note_late(city.database) == 0
    case = await read_case(city.database, city.operator, case_id)
    assert case.late
    assert (case.remaining_seconds or 0) <= 0
    assert [step.name for step in case.timeline] == ["事项生成", "超过时限"]
    assert case.clocks[0].state == "late"
    late = await list_cases(city.database, city.operator, CaseFilter(queue="late"))
    assert [item.id for item in late.items] == [case_id]
    done = await act(city, city.operator, case_id, "accept")
    assert done.clocks[0].state == "exceeded"


async def test_queues_count_what_each_must_do(city: City) -> None:
    first, second = await opened(city), await opened(city)
    await live(city, first, "dispatch")

    async def mine(who: Principal) -> int:
        return next(queue.count for queue in await read_queues(city.database, who) if queue.id == "mine")

    assert [await mine(who) for who in (city.operator, city.clerk, city.neighbour)] == [1, 1, 0]
    todo = await list_cases(city.database, city.operator, CaseFilter(queue="mine"))
    assert [item.id for item in todo.items] == [second]


async def test_lists_are_searched_sorted_and_paged(city: City) -> None:
    ids = [await opened(city, message=f"第{number}号站 100%_超标") for number in range(5)]
    found = await list_cases(city.database, city.operator, CaseFilter(q="100%_超"))
    assert found.total.count == 5
    assert (await list_cases(city.database, city.operator, CaseFilter(q="100__超"))).items == []
    (third,) = (await list_cases(city.database, city.operator, CaseFilter(q="第3号"))).items
    assert third.id == ids[3]
    for sort in ("due_at", "-opened_at", "opened_at", "-updated_at", "priority"):
        seen: list[UUID] = []
        cursor = None
        while True:
            page = await list_cases(city.database, city.operator, CaseFilter(), sort, cursor=cursor, limit=2)
            seen += [item.id for item in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert sorted(seen) == sorted(ids)


async def test_nobody_else_finds_it_in_any_list(city: City) -> None:
    case_id = await opened(city)
    await live(city, case_id, "dispatch")
    assert (await list_cases(city.database, city.neighbour, CaseFilter())).items == []
    with pytest.raises(Problem) as hidden:
        await read_case(city.database, city.neighbour, case_id)
    assert hidden.value.code == "not_found"
