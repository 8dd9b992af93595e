"""Text from people: what can be stored faithfully and what must be refused.

PostgreSQL stores every Unicode character except U+0000; a lone surrogate is no character at all. Everything else,
however odd, is kept as it was written.
"""

import re
from collections.abc import Iterator
from typing import Any

from citybase.kernel.errors import FieldError, Problem

__all__ = ["refuse_unstorable", "unstorable"]

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def unstorable(value: Any, pointer: str = "") -> Iterator[FieldError]:
    """Every place of a JSON value whose text cannot be stored, as errors with JSON pointers."""
    if isinstance(value, str):
        if not _is_storable(value):
            yield FieldError(pointer, "unstorable_text", "含有无法保存的字符(U+0000 或残缺的代理字符)")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not _is_storable(key):
                yield FieldError(pointer, "unstorable_text", "字段名含有无法保存的字符")
            yield from unstorable(item, f"{pointer}/{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from unstorable(item, f"{pointer}/{number}")


def refuse_unstorable(value: Any) -> None:
    """Raise `invalid_input` that names every such place."""
    errors = tuple(unstorable(value))
    if errors:
        raise Problem("invalid_input", errors, reason=f"{errors[0].pointer} {errors[0].message}".strip())


def _is_storable(text: str) -> bool:
    return _UNSTORABLE.search(text) is None
