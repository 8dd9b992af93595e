"""Forms as JSON Schema (draft 2020-12): whether a schema is one, and what is wrong with what was filled in."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError

from citybase.kernel.errors import FieldError, Problem
from citybase.kernel.text import refuse_unstorable

__all__ = ["schema_errors", "validate_form"]

_EMPTY_FORM: dict[str, Any] = {"type": "object", "additionalProperties": False}
_MESSAGES = {
    "required": "必填 required",
    "enum": "不在可选范围内 not one of the choices",
    "type": "类型不对 of the wrong type",
    "minLength": "太短 too short",
    "maxLength": "太长 too long",
    "minimum": "太小 too small",
    "maximum": "太大 too large",
    "pattern": "格式不对 not in the form asked for",
    "additionalProperties": "有未定义的字段 a field that the form does not have",
}


def schema_errors(schema: Mapping[str, Any] | None, pointer: str) -> Iterator[FieldError]:
    """Faults of a form's schema itself; none given is no fault."""
    if schema is None:
        return
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield FieldError(_pointer(pointer, error.absolute_path), "bad_schema", error.message)
        return
    if schema.get("type") != "object":
        yield FieldError(pointer, "bad_schema", "表单必须是对象 a form's type must be object")


def validate_form(schema: Mapping[str, Any] | None, values: Mapping[str, Any], pointer: str) -> None:
    """Raise `invalid_input` naming each field that breaks the schema; without a schema the form must be empty."""
    refuse_unstorable(dict(values))
    faults = Draft202012Validator(schema or _EMPTY_FORM).iter_errors(dict(values))
    errors = tuple(dict.fromkeys(error for fault in faults for error in _field_errors(fault, pointer)))
    if errors:
        raise Problem("invalid_input", errors, reason=f"{errors[0].pointer}: {errors[0].message}")


def _field_errors(fault: ValidationError, base: str) -> Iterator[FieldError]:
    code = str(fault.validator)
    message = _MESSAGES.get(code, fault.message[:200])
    place = _pointer(base, fault.absolute_path)
    if code == "required":
        # A missing field is found at its object; name the field itself, where a page shows the fault.
        required: Any = fault.validator_value
        filled: Any = fault.instance
        for name in required:
            if name not in filled:
                yield FieldError(f"{place}/{name}", code, message)
    else:
        yield FieldError(place, code, message)


def _pointer(base: str, path: Iterable[str | int]) -> str:
    return "/".join([base, *(str(part) for part in path)])
