"""The pack's definitions agree with each other and with its functions."""

import csv
import inspect
import json
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sqlglot
import yaml
from sqlglot import exp

from packs.air import functions
from packs.air.scripts import make_recording

PACK = Path(__file__).parents[1]
RULES = sorted((PACK / "rules").glob("*.yaml"))


def load(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


KIND = load(PACK / "kinds" / "air-station.yaml")
PROPERTIES = {item["id"]: item for item in KIND["properties"]}
MEASURED = [name for name, item in PROPERTIES.items() if "derive" not in item]
DERIVED = [name for name, item in PROPERTIES.items() if "derive" in item]
VARIABLES = set(PROPERTIES)


def stations() -> list[dict[str, str]]:
    with (PACK / "resources" / "stations.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_manifest_names_what_the_pack_serves() -> None:
    manifest = tomllib.loads((PACK / "pack.toml").read_text(encoding="utf-8"))
    assert (manifest["id"], manifest["requires"]) == (PACK.name, ["xian"])
    assert manifest["serves"]


def test_the_kind_measures_every_pollutant_of_the_index() -> None:
    assert tuple(MEASURED) == functions.POLLUTANTS
    for name in MEASURED:
        top = max(functions.BREAKPOINTS[item][-1] for item in functions.BREAKPOINTS if item.startswith(f"{name}_"))
        lowest, highest = PROPERTIES[name]["range"]
        assert lowest == 0
        assert highest >= top


@pytest.mark.parametrize("name", DERIVED)
def test_a_derived_property_calls_a_function_with_its_own_arguments(name: str) -> None:
    derived = PROPERTIES[name]["derive"]
    function = getattr(functions, derived["function"])
    assert list(inspect.signature(function).parameters) == derived["arguments"]
    assert set(derived["arguments"]) <= set(MEASURED)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_a_rule_speaks_of_what_the_station_has(path: Path) -> None:
    rule = load(path)
    assert rule["kind"] == KIND["id"]
    assert rule["priority"] in {"urgent", "high", "normal", "low"}
    assert re.fullmatch(r"PT\d+[HM]", rule["for"])
    for text in (rule["condition"], rule["clear"]):
        columns = {column.name for column in sqlglot.parse_one(text, dialect="duckdb").find_all(exp.Column)}
        assert columns
        assert columns <= VARIABLES
    for text in (rule["message"], rule["message_en"]):
        assert set(re.findall(r"{(\w+)}", text)) <= {*VARIABLES, "name"}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_a_rule_has_a_dead_band(path: Path) -> None:
    rule = load(path)
    raised, cleared = (sqlglot.parse_one(rule[name], dialect="duckdb") for name in ("condition", "clear"))
    assert isinstance(raised, exp.GT)
    assert isinstance(cleared, exp.LT | exp.LTE)
    assert raised.this == cleared.this
    assert float(cleared.expression.name) < float(raised.expression.name)


def test_rules_have_different_ids() -> None:
    assert len({load(path)["id"] for path in RULES}) == len(RULES)


def test_each_of_thirteen_districts_has_two_stations() -> None:
    assert set(Counter(station["area_code"] for station in stations()).values()) == {2}
    assert len({station["area_code"] for station in stations()}) == 13
    assert len({station["code"] for station in stations()}) == 26


@pytest.mark.parametrize("station", stations(), ids=lambda station: station["code"])
def test_a_station_fits_its_kind_and_its_district(station: dict[str, str]) -> None:
    assert station["kind"] == KIND["id"]
    assert re.fullmatch(KIND["code"]["pattern"], station["code"])
    assert station["area_code"] in station["code"]
    assert station["owner"] == f"{station['area_code']}-eco"
    assert 107.6 < float(station["longitude"]) < 109.9
    assert 33.6 < float(station["latitude"]) < 34.8
    jsonschema.validate(json.loads(station["attributes"]), KIND["schema"])
    assert json.loads(station["attributes"]) == {"coordinates": "approximate"}


def test_the_recording_is_what_its_script_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_recording, "OUTPUT", tmp_path / "made.csv")
    make_recording.main()
    recorded = PACK / "recordings" / "made-air-week.csv"
    assert (tmp_path / "made.csv").read_bytes() == recorded.read_bytes()
