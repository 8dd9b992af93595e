"""Attributes against their kind's JSON Schema (2020-12): errors people can act on, and values out of table cells."""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from citybase.kernel.errors import FieldError

__all__ = ["attribute_errors", "from_cell", "type_of"]

_TYPES = {
    "string": "文本",
    "integer": "整数",
    "number": "数字",
    "boolean": "是或否",
    "array": "列表",
    "object": "对象",
    "null": "空",
}
_WORDS = {
    "enum": "只能是以下之一:{limit}",
    "const": "只能是 {limit}",
    "minimum": "不能小于 {limit}",
    "maximum": "不能大于 {limit}",
    "exclusiveMinimum": "必须大于 {limit}",
    "exclusiveMaximum": "必须小于 {limit}",
    "multipleOf": "必须是 {limit} 的倍数",
    "minLength": "至少 {limit} 个字符",
    "maxLength": "至多 {limit} 个字符",
    "pattern": "格式不符:{limit}",
    "format": "不是有效的 {limit}",
    "minItems": "至少 {limit} 项",
    "maxItems": "至多 {limit} 项",
    "uniqueItems": "不能有重复项",
}
_TRUE = {"是", "true", "yes", "1", "有", "y"}
_FALSE = {"否", "false", "no", "0", "无", "n"}


def attribute_errors(schema: dict[str, Any], attributes: dict[str, Any]) -> list[FieldError]:
    """Every violation, as JSON pointers below `/attributes` with a Chinese message; in document order."""
    found = _validator(msgspec.json.encode(schema)).iter_errors(attributes)
    # One violation a missing field is reported, each naming them all: said once.
    return list(dict.fromkeys(error for violation in found for error in _explain(violation)))


@lru_cache(maxsize=512)
def _validator(schema: bytes) -> Draft202012Validator:
    return Draft202012Validator(msgspec.json.decode(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)


def _explain(violation: ValidationError) -> Iterator[FieldError]:
    pointer = "/attributes" + "".join(f"/{part}" for part in violation.absolute_path)
    rule, limit = str(violation.validator), cast(Any, violation.validator_value)
    if rule == "required":
        for name in limit:
            if name not in cast(dict[str, Any], violation.instance):
                yield FieldError(f"{pointer}/{name}", "required", f"缺少“{_title(violation.schema, name)}”")
    elif rule in {"additionalProperties", "unevaluatedProperties"}:
        declared = violation.schema.get("properties", {}) if isinstance(violation.schema, dict) else {}
        for name in cast(dict[str, Any], violation.instance):
            if name not in declared:
                yield FieldError(f"{pointer}/{name}", "unknown_field", f"没有名为“{name}”的字段")
    elif rule == "type":
        names = [limit] if isinstance(limit, str) else limit
        yield FieldError(pointer, "wrong_type", f"应为{'或'.join(_TYPES.get(name, name) for name in names)}")
    else:
        shown = "、".join(map(str, limit)) if isinstance(limit, list) else limit
        yield FieldError(pointer, rule, _WORDS.get(rule, "不符合该类资源的定义").format(limit=shown))


def _title(schema: Any, name: str) -> str:
    part = schema.get("properties", {}).get(name, {})
    return str(part.get("title", name)) if isinstance(part, dict) else name


def type_of(schema: dict[str, Any]) -> str:
    """The first type that is not null; text where the schema names none."""
    declared = schema.get("type", "string")
    names = [declared] if isinstance(declared, str) else declared
    return next((name for name in names if name != "null"), "string")


def from_cell(schema: dict[str, Any], text: str) -> Any:
    """A cell's text as the value that an attribute's schema asks for; what cannot be read stays text, to be refused."""
    wanted = type_of(schema)
    if wanted == "boolean":
        lowered = text.lower()
        return True if lowered in _TRUE else False if lowered in _FALSE else text
    if wanted == "array":
        items = schema.get("items", {})
        return [from_cell(items, part.strip()) for part in text.replace(";", "|").replace("、", "|").split("|") if part]
    if wanted in {"integer", "number"}:
        return _number(text, int if wanted == "integer" else float)
    return text


def _number(text: str, kind: type[int] | type[float]) -> int | float | str:
    try:
        value = msgspec.convert(text.replace(",", "").replace(",", ""), kind, strict=False)
    except msgspec.ValidationError:
        return text
    return value if math.isfinite(value) else text
