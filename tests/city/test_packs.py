"""Packs: what a person who writes one meets, and what a city that applies one keeps."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from citybase.city.organizations.models import area, organization
from citybase.city.packs import apply_packs, check_pack, find_pack, pack_functions, shipped_packs
from citybase.city.packs.lines import SourceError, read_yaml
from citybase.city.packs.models import pack, pack_definition
from citybase.city.packs.sections import SECTIONS
from citybase.city.resources.models import resource, resource_history, resource_kind
from citybase.engines.postgres import Database, metadata
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.security.principals import SYSTEM, Grant, Principal
from citybase.security.transactions import audit_pending

KIND = """\
id: lamp
name: 路灯
name_en: Street lamp
code:
  pattern: "^LAMP-[0-9]+$"
  example: LAMP-1
life_cycle:
  initial: on
  states:
    - {id: on, name: 亮}
    - {id: gone, name: 拆除, final: true}
  transitions:
    - {from: on, to: gone, name: 拆除}
schema:
  type: object
  properties:
    watts: {type: integer, title: 功率}
properties:
  - {id: power, name: 功率, unit: W}
  - {id: cost, name: 电费, unit: 元, derive: {function: cost, arguments: [power]}}
"""
RULE = """\
id: lamp-dark
name: 灯灭
name_en: Lamp out
kind: lamp
condition: power < 1
priority: low
message: "{name} 灭了"
message_en: "{name} is out"
"""
FILES = {
    "pack.toml": 'id = "town"\nversion = "1.0.0"\ntitle = "小镇"\ntitle_en = "Town"\n',
    "areas.csv": "code,name,level,code_system\n999999,小镇,city,local\n",
    "organizations.csv": (
        "code,name,kind,parent,former_names\nbureau,路灯局,department,town,灯火司|掌灯处\ntown,小镇,city,,\n"
    ),
    "kinds/lamp.yaml": KIND,
    "resources/lamps.csv": 'code,name,kind,owner,attributes\nLAMP-1,一号灯,lamp,bureau,"{""watts"": 60}"\n',
    "rules/dark.yaml": RULE,
    "functions.py": '"""Arithmetic."""\n\n\ndef cost(power: float) -> float:\n    return power * 0.5\n',
}


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    for name, text in FILES.items():
        write(folder, name, text)
    return folder


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_sound_pack_has_no_errors(town: Path) -> None:
    assert check_pack(town) == []


@pytest.mark.parametrize("name", shipped_packs())
def test_every_shipped_pack_is_sound(name: str) -> None:
    assert [str(error) for error in check_pack(find_pack(name))] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "what"),
    [
        ("kinds/lamp.yaml", "name: 路灯\n", "nmae: 路灯\n", 2, "nmae"),
        ("kinds/lamp.yaml", "name: 路灯\n", "", 1, "name"),
        ("kinds/lamp.yaml", "name: 路灯\n", "name: 12\n", 2, "str"),
        ("kinds/lamp.yaml", "name: 路灯\n", "name: 路灯\nname: 灯\n", 3, "name"),
        ("kinds/lamp.yaml", "initial: on", "initial: off", 8, "off"),
        ("kinds/lamp.yaml", "to: gone", "to: lost", 13, "lost"),
        ("kinds/lamp.yaml", "type: integer", "type: number of", 17, "JSON Schema"),
        ("kinds/lamp.yaml", ", title: 功率", "", 17, "title"),
        ("kinds/lamp.yaml", 'pattern: "^LAMP-[0-9]+$"', 'pattern: "^LAMP-("', 5, "正则"),
        ("kinds/lamp.yaml", "example: LAMP-1", "example: L1", 6, "L1"),
        ("kinds/lamp.yaml", "function: cost", "function: price", 20, "price"),
        ("kinds/lamp.yaml", "arguments: [power]", "arguments: [energy]", 20, "energy"),
        ("kinds/lamp.yaml", "{id: power", "{id: power, name: x}\n  - {id: power", 19, "unit"),
        ("kinds/lamp.yaml", "id: lamp\n", "id: lamp\n\tx: 1\n", 2, "YAML"),
        ("kinds/lamp.yaml", "name: 路灯\n", "name: &n 路灯\ndescription: *n\n", 2, "引用"),
        ("organizations.csv", "department,town", "department,city", 2, "city"),
        ("organizations.csv", "department,town,灯火司|掌灯处", "bureau,town,", 2, "kind"),
        ("organizations.csv", "bureau,路灯局", "town,路灯局", 3, "重复"),
        ("organizations.csv", "小镇,city,,\n", "小镇,city,\n", 3, "列"),
        ("organizations.csv", "code,name", "code,colour", 2, "colour"),
        ("areas.csv", "city,local", "planet,local", 2, "planet"),
        ("resources/lamps.csv", "lamp,bureau", "tree,bureau", 2, "tree"),
        ("resources/lamps.csv", "lamp,bureau", "lamp,nobody", 2, "nobody"),
        ("resources/lamps.csv", "60", '""many""', 2, "整数"),
        ("resources/lamps.csv", "LAMP-1", "LMP-1", 2, "LAMP-1"),
        ("resources/lamps.csv", '"{""watts"": 60}"', "{watts}", 2, "JSON"),
        ("resources/lamps.csv", '"{""watts"": 60}"', '"{', 2, "CSV"),
        ("functions.py", "def cost", "def cost(", 4, "Python"),
        ("rules/dark.yaml", "power <", "light <", 5, "light"),
        ("rules/dark.yaml", "power < 1", "power <", 5, "SQL"),
        ("rules/dark.yaml", "kind: lamp", "kind: tree", 4, "tree"),
        ("rules/dark.yaml", "id: lamp-dark", "id: lamp-dark\ncase_type: none", 2, "none"),
        ("pack.toml", 'version = "1.0.0"', 'version = "one"', 2, "version"),
        ("pack.toml", 'title_en = "Town"', 'title_en = "Town"\nrequires = ["nowhere"]', 1, "nowhere"),
        ("pack.toml", 'id = "town"', 'id = "city"', 1, "town"),
        ("pack.toml", "title =", "title ==", 3, "无法读取"),
    ],
)
def test_an_error_names_file_line_and_remedy(town: Path, file: str, old: str, new: str, line: int, what: str) -> None:
    path = town / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    errors = check_pack(town)
    assert errors
    found = [error for error in errors if error.file == file and error.line == line and what in error.what]
    assert found, [str(error) for error in errors]
    assert all(error.remedy for error in errors)


def test_a_file_in_another_encoding_is_named(town: Path) -> None:
    (town / "areas.csv").write_bytes("code,name\n1,镇\n".encode("gbk"))
    assert "areas.csv" in {error.file for error in check_pack(town)}


def test_packs_that_require_one_another_are_refused(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        manifest = f'id = "{name}"\nversion = "1.0.0"\ntitle = "x"\ntitle_en = "x"\nrequires = ["{other}"]\n'
        write(tmp_path / name, "pack.toml", manifest)
    assert "a → b → a" in check_pack(tmp_path / "a")[0].what


@pytest.mark.parametrize("text", ["x: 2024-01-01", "x: no", "x: on", "x: 'true'"])
def test_what_looks_like_text_is_text(text: str) -> None:
    assert isinstance(read_yaml("f", text)[0].value["x"], str)


@pytest.mark.parametrize(
    "text", ["- 1", "just text", "x: !!python/object:os.system {}", "x: \x00", "[" * 50, "x: {a: 1, a: 2}"]
)
def test_a_file_that_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        read_yaml("f", text)


def test_an_unknown_pack_is_named() -> None:
    with pytest.raises(Problem) as raised:
        find_pack("nowhere")
    assert raised.value.code == "unknown_pack"


def test_sections_stand_in_the_order_their_references_need() -> None:
    names = [section.name for section in SECTIONS]
    for section in SECTIONS:
        for target in section.refers.values():
            assert names.index(target) <= names.index(section.name)


def test_a_packs_functions_are_loaded_from_its_folder(town: Path) -> None:
    assert pack_functions(town).cost(power=2.0) == 1.0
    with pytest.raises(Problem):
        pack_functions(town / "kinds")


async def counts(database: Database) -> dict[str, int]:
    async with database.begin() as connection:
        return {
            table.name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in metadata.sorted_tables
        }


@pytest.mark.anyio
async def test_applying_writes_everything_and_again_writes_nothing(town: Path, database: Database) -> None:
    first = await apply_packs(database, SYSTEM, [town])
    assert {diff.section: len(diff.added) for diff in first["town"]} == {
        "areas": 1, "organizations": 2, "kinds": 1, "resources": 1, "rules": 1,
    }  # fmt: skip
    before = await counts(database)
    assert (before["pack_definition"], before["resource"], before["alarm_rule"]) == (6, 1, 1)
    assert await apply_packs(database, SYSTEM, [town]) == {"town": []}
    assert await counts(database) == before
    async with database.begin() as connection:
        bureau = (await connection.execute(select(organization).where(organization.c.code == "bureau"))).one()
        lamp = (await connection.execute(select(resource))).one()
    assert (bureau.path, bureau.former_names) == ("/town/bureau/", ["灯火司", "掌灯处"])
    assert (lamp.owner_id, lamp.life_cycle, lamp.attributes) == (bureau.id, "on", {"watts": 60})


@pytest.mark.anyio
async def test_a_changed_line_changes_that_definition_alone(town: Path, database: Database) -> None:
    await apply_packs(database, SYSTEM, [town])
    rows = FILES["resources/lamps.csv"].replace("一号灯", "壹号灯") + "LAMP-2,二号灯,lamp,town,\n"
    write(town, "resources/lamps.csv", rows)
    write(town, "organizations.csv", FILES["organizations.csv"].replace("路灯局", "照明局"))
    changes = {diff.section: diff for diff in (await apply_packs(database, SYSTEM, [town]))["town"]}
    assert (changes["resources"].added, changes["resources"].changed) == (["LAMP-2"], ["LAMP-1"])
    assert changes["organizations"].changed == ["bureau"]
    async with database.begin() as connection:
        former = await connection.scalar(select(organization.c.former_names).where(organization.c.code == "bureau"))
        history = (
            (await connection.execute(select(resource_history.c.change).where(resource_history.c.action == "change")))
            .scalars()
            .all()
        )
    assert former == ["灯火司", "掌灯处", "路灯局"]
    assert history == [{"name": ["一号灯", "壹号灯"]}]


@pytest.mark.anyio
async def test_what_a_pack_no_longer_states_stays_in_the_city(town: Path, database: Database) -> None:
    await apply_packs(database, SYSTEM, [town])
    write(town, "resources/lamps.csv", "code,name,kind,owner\n")
    changes = (await apply_packs(database, SYSTEM, [town]))["town"]
    assert [(diff.section, diff.removed) for diff in changes] == [("resources", ["LAMP-1"])]
    assert (await counts(database))["resource"] == 1
    assert (await apply_packs(database, SYSTEM, [town]))["town"] == []


@pytest.mark.anyio
async def test_a_pack_with_an_error_changes_nothing(town: Path, database: Database) -> None:
    write(town, "resources/lamps.csv", FILES["resources/lamps.csv"] + "LAMP-2,二号灯,lamp,nobody,\n")
    with pytest.raises(Problem) as raised:
        await apply_packs(database, SYSTEM, [town])
    assert raised.value.code == "bad_pack"
    assert raised.value.errors[0].pointer == "resources/lamps.csv:3"
    assert not any((await counts(database)).values())


@pytest.mark.anyio
async def test_a_failure_half_way_leaves_no_trace(
    town: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> list[str]:
        raise RuntimeError("power cut")

    section = next(section for section in SECTIONS if section.name == "resources")
    monkeypatch.setitem(section.__dict__, "apply", fail)
    with pytest.raises(RuntimeError):
        await apply_packs(database, SYSTEM, [town])
    assert not any((await counts(database)).values())


@pytest.mark.anyio
async def test_applying_needs_the_permission(town: Path, database: Database) -> None:
    clerk = Principal(id=new_id(), kind="person", name="x", grants=(Grant("clerk", "/"),))
    with pytest.raises(Problem) as raised:
        await apply_packs(database, clerk, [town])
    assert raised.value.code == "forbidden"


@pytest.mark.anyio
async def test_xian_has_its_divisions_departments_and_former_names(database: Database) -> None:
    await apply_packs(database, SYSTEM, [find_pack("xian"), find_pack("hosts")])
    async with database.begin() as connection:
        counted = await connection.execute(select(area.c.level, func.count()).group_by(area.c.level))
        levels = {level: count for level, count in counted}  # noqa: C416 - rows are not pairs to the type checker
        organizations = {row.code: row for row in await connection.execute(select(organization))}
        kinds = (await connection.execute(select(resource_kind.c.id))).scalars().all()
        packs = (await connection.execute(select(pack.c.id).order_by(pack.c.id))).scalars().all()
        definitions = await connection.scalar(select(func.count()).select_from(pack_definition))
        applied = select(audit_pending.c.target_id).where(audit_pending.c.target_type == "pack")
        audited = (await connection.execute(applied)).scalars().all()
    assert (levels["city"], levels["district"], levels["street"]) == (1, 13, 172)
    assert sum(row.kind == "street" for row in organizations.values()) == 172
    assert "市工信委" in organizations["610100-industry"].former_names
    assert organizations["610113-eco"].path == "/610100/610100-eco/610113-eco/"
    assert organizations["610113001"].path == "/610100/610113/610113001/"
    assert {"cloud-host", "government-application"} <= set(kinds)
    assert packs == ["hosts", "xian"]
    assert definitions is not None
    assert definitions > 440
    assert sorted(audited) == ["hosts", "xian"]
