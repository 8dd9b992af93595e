"""Each row of a file against the ledger's rules: good rows become drafts, bad ones an error at each wrong cell."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from citybase.city.resources.attributes import from_cell
from citybase.city.resources.checking import ResourceDraft, check_draft
from citybase.city.resources.definitions import KindDefinition
from citybase.city.resources.importing.columns import ATTRIBUTE, Column, find_header, map_columns
from citybase.engines.tabular import Row, Table

__all__ = ["Examined", "ImportedRow", "RowError", "Surroundings", "examine"]

_CLASSIFICATIONS = {"公开": "1", "一般": "1", "内部": "2", "重要": "3", "核心": "4"}
_CODES = {"kind", "code", "area_code", "owner"}
_REQUIRED = {"code": "编码", "name": "名称"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class RowError(msgspec.Struct, frozen=True):
    """One wrong cell, or a wrong row where `column` is null; `row` is the number that the spreadsheet shows."""

    row: int
    column: str | None
    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rows are checked against besides their kind."""

    owners: Mapping[str, Sequence[UUID]]
    """Code and names → organisations for which this person may import."""
    default_owner: UUID | None
    taken: frozenset[str] = frozenset()
    """Codes that are registered already."""
    clearance: int = 4


@dataclass(frozen=True, slots=True)
class ImportedRow:
    number: int
    draft: ResourceDraft


@dataclass(slots=True)
class Examined:
    """What a file holds: its columns, the good rows, and what is wrong with the others."""

    columns: list[Column] = field(default_factory=list)
    good: list[ImportedRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)
    """The first rows as they stand, by header."""

    @property
    def bad_rows(self) -> int:
        return len({error.row for error in self.errors})


class _Wrong(Exception):
    def __init__(self, column: str | None, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.place = (column, code, message, remedy)


def examine(kind: KindDefinition, table: Table, around: Surroundings, show: int = 20) -> Examined:
    """Check a whole table."""
    found = Examined()
    if not table.rows:
        found.errors.append(RowError(1, None, "empty", "文件里没有内容", "放入表头和数据后重新上传"))
        return found
    place = find_header(kind, table.rows)
    found.columns = map_columns(kind, table.rows[place])
    missing = _missing_columns(found.columns, table.rows[place].number)
    if missing:
        found.errors += missing
        return found
    seen: dict[str, int] = {}
    for row in table.rows[place + 1 :]:
        if len(found.shown) < show:
            found.shown.append(_by_header(found.columns, row))
        errors, draft = _examine_row(kind, found.columns, row, around, seen)
        found.errors += errors
        if draft is not None and not errors:
            found.good.append(ImportedRow(row.number, draft))
    return found


def _missing_columns(columns: Sequence[Column], row: int) -> list[RowError]:
    mapped = {column.field for column in columns}
    return [
        RowError(row, None, "missing_column", f"没有“{name}”列", f"在表头中加上“{name}”(或 {needed})")
        for needed, name in _REQUIRED.items()
        if needed not in mapped
    ]


def _by_header(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    return {column.header: cell for column, cell in zip(columns, row.cells, strict=False)}


def _examine_row(
    kind: KindDefinition, columns: Sequence[Column], row: Row, around: Surroundings, seen: dict[str, int]
) -> tuple[list[RowError], ResourceDraft | None]:
    try:
        _refuse_ragged(columns, row)
        values = _values(kind, columns, row)
        draft = _draft(kind, values, columns, around)
        _refuse_known_code(draft.code, _header(columns, "/code"), row.number, around, seen)
    except _Wrong as wrong:
        return [RowError(row.number, *wrong.place)], None
    errors = [
        RowError(row.number, _header(columns, error.pointer), error.code, error.message, "按提示改正这个单元格")
        for error in check_draft(kind, draft)
    ]
    return errors, draft


def _refuse_ragged(columns: Sequence[Column], row: Row) -> None:
    extra = [cell for cell in row.cells[len(columns) :] if cell.strip()]
    if extra:
        what = f"比表头多出 {len(extra)} 个有内容的单元格"
        raise _Wrong(None, "extra_cells", what, "删去多余的单元格;内容里有分隔符时用引号括起来")
    if len(row.cells) < len(columns):
        what = f"只有 {len(row.cells)} 个单元格,表头有 {len(columns)} 个"
        raise _Wrong(None, "missing_cells", what, "补齐单元格,没有内容的留空")


def _values(kind: KindDefinition, columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """Cells by field, as the values that their fields ask for; empty cells are left out."""
    values: dict[str, Any] = {"attributes": {}}
    for column, cell in zip(columns, row.cells, strict=False):
        text = _without_guard(cell.strip())
        if column.field is None or not text:
            continue
        if column.field.startswith(ATTRIBUTE):
            name = column.field.removeprefix(ATTRIBUTE)
            values["attributes"][name] = from_cell(kind.schema["properties"][name], text)
        elif column.field == "attributes":
            values["attributes"] |= _object(column.header, text)
        else:
            values[column.field] = _plain_value(column, text)
    return values


def _without_guard(text: str) -> str:
    """An apostrophe that export put before what looks like a formula is taken off again."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA_STARTS) else text


def _object(header: str, text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise _Wrong(header, "bad_json", "不是 JSON 对象", '写成 {"字段": 值},或每个属性单独一列') from error


def _plain_value(column: Column, text: str) -> Any:
    if column.field in _CODES:
        plain = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf").strip()
        if plain != text and plain.isascii():
            what = "含有全角或不可见的字符"
            raise _Wrong(column.header, "disguised_characters", what, f"改为 {plain}")
    if column.field == "tags":
        return [part.strip() for part in text.replace("、", "|").replace(";", "|").split("|") if part.strip()]
    return _CLASSIFICATIONS.get(text, text) if column.field == "classification" else text


def _draft(
    kind: KindDefinition, values: dict[str, Any], columns: Sequence[Column], around: Surroundings
) -> ResourceDraft:
    for needed, name in _REQUIRED.items():
        if needed not in values:
            raise _Wrong(_header(columns, f"/{needed}"), "required", f"缺少{name}", f"填写{name}")
    if values.setdefault("kind", kind.id) not in {kind.id, kind.name}:
        header = _header(columns, "/kind")
        raise _Wrong(header, "other_kind", f"这一行属于 {values['kind']}", f"只导入“{kind.name}”,其他类别另行导入")
    values["kind"] = kind.id
    values["owner_id"] = _owner(values.pop("owner", None), columns, around)
    state = next((state.id for state in kind.life_cycle.states if state.name == values.get("life_cycle")), None)
    if state is not None:
        values["life_cycle"] = state
    draft = _convert(values, columns)
    if draft.classification > around.clearance:
        header = _header(columns, "/classification")
        raise _Wrong(header, "above_clearance", "密级高于您的权限", "请有相应权限的人员导入")
    return draft


def _owner(name: str | None, columns: Sequence[Column], around: Surroundings) -> UUID:
    header = _header(columns, "/owner")
    if name is None:
        if around.default_owner is None:
            raise _Wrong(header, "required", "缺少权属部门", "填写部门编码或名称")
        return around.default_owner
    candidates = around.owners.get(name, ())
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise _Wrong(header, "ambiguous_owner", f"有 {len(candidates)} 个部门叫“{name}”", "改用部门编码")
    raise _Wrong(header, "unknown_owner", f"没有部门“{name}”,或不在您的管理范围内", "核对部门编码、现名或曾用名")


def _convert(values: dict[str, Any], columns: Sequence[Column]) -> ResourceDraft:
    try:
        return msgspec.convert(values, ResourceDraft, strict=False)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$.")
        pointer = "/" + place.rstrip("`").replace(".", "/")
        raise _Wrong(_header(columns, pointer), "wrong_value", _in_chinese(words), "按列的要求改正") from error


def _in_chinese(words: str) -> str:
    if "float" in words or "int" in words:
        return "不是有效的数字,或超出允许的范围"
    return "内容过长或为空" if "length" in words else f"不符合要求:{words}"


def _refuse_known_code(code: str, header: str | None, row: int, around: Surroundings, seen: dict[str, int]) -> None:
    first = seen.setdefault(code, row)
    if first != row:
        raise _Wrong(header, "repeated_code", f"编码 {code} 与第 {first} 行重复", "删去重复的行,或改正编码")
    if code in around.taken:
        raise _Wrong(header, "code_taken", f"编码 {code} 已登记", "导入只登记新的资源;已登记的请在一本账中修改")


def _header(columns: Sequence[Column], pointer: str) -> str | None:
    """The header of the column that an error's pointer speaks of."""
    parts = pointer.split("/")
    wanted = ATTRIBUTE + parts[2] if parts[1] == "attributes" and len(parts) > 2 else parts[1]
    found: Iterator[str] = (column.header for column in columns if column.field == wanted)
    return next(found, None)
