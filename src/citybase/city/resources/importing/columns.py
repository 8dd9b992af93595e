"""Which column holds what: headers in Chinese or English, the ledger's own fields and the kind's attributes."""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from citybase.city.resources.definitions import KindDefinition
from citybase.engines.tabular import Row

__all__ = ["ATTRIBUTE", "Column", "find_header", "map_columns"]

ATTRIBUTE = "attributes."
"""Prefix of a field that is an attribute of the kind."""

_HEADERS = {
    "kind": ("kind", "类别", "资源类别"),
    "code": ("code", "编码", "资源编码", "编号", "代码"),
    "name": ("name", "名称", "资源名称"),
    "owner": ("owner", "owner_code", "权属部门编码", "权属部门", "所属部门", "部门", "权属单位", "单位"),
    "area_code": ("area_code", "区划代码", "行政区划代码"),
    "longitude": ("longitude", "lon", "lng", "经度"),
    "latitude": ("latitude", "lat", "纬度"),
    "address": ("address", "地址", "详细地址"),
    "classification": ("classification", "密级", "数据级别", "级别"),
    "life_cycle": ("life_cycle", "生命周期", "状态"),
    "tags": ("tags", "标签"),
    "attributes": ("attributes", "属性"),
}
_FIELD_OF = {header: field for field, headers in _HEADERS.items() for header in headers}
_DECORATION = re.compile(r"[\s*\u200b\u200c\u200d\ufeff]+|[((](?:必填|选填|required|optional)[))]")
_HEADER_ROWS = 20


class Column(msgspec.Struct, frozen=True):
    """One column of the file; `field` is None where nothing of the kind answers to its header."""

    header: str
    field: str | None


def find_header(kind: KindDefinition, rows: Sequence[Row]) -> int:
    """Which of the first rows is the header: the one with the most known names; titles may stand above it."""
    known = [sum(field is not None for field in map_fields(kind, row.cells)) for row in rows[:_HEADER_ROWS]]
    return known.index(max(known)) if known else 0


def map_columns(kind: KindDefinition, header: Row) -> list[Column]:
    """Every column with its field. A field that stands twice belongs to the first."""
    fields = map_fields(kind, header.cells)
    named = (text.strip() or f"第 {number} 列" for number, text in enumerate(header.cells, 1))
    return [Column(text, field) for text, field in zip(named, fields, strict=True)]


def map_fields(kind: KindDefinition, headers: Sequence[str]) -> list[str | None]:
    attributes = _attribute_names(kind)
    taken: set[str] = set()
    fields: list[str | None] = []
    for header in headers:
        plain = _plain(header)
        field = _FIELD_OF.get(plain) or attributes.get(plain)
        fields.append(None if field in taken else field)
        if field is not None:
            taken.add(field)
    return fields


def _attribute_names(kind: KindDefinition) -> dict[str, str]:
    names: dict[str, str] = {}
    for name, part in kind.schema.get("properties", {}).items():
        for header in (name, part.get("title", ""), part.get("title_en", "")):
            if header:
                names.setdefault(_plain(str(header)), ATTRIBUTE + name)
    return names


def _plain(header: str) -> str:
    return _DECORATION.sub("", unicodedata.normalize("NFKC", header)).lower()
