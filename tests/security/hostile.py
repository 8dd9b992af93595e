"""Hostile texts, and ways to put them into a JSON body."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["DEEP", "OURS", "Place", "encoded", "naughty_strings", "places", "strings_in", "with_text"]

Place = tuple[str | int, ...]
"""Where a text stands in a body: keys and positions from the root."""

DEEP = "@@ nested deeper than any decoder follows @@"
"""Stands for an array in an array, a hundred thousand times."""
_DEPTH = 100_000

OURS = (
    "\0",
    "正常\0之后",
    "\ud800",
    "\udc00\ud800",
    "长" * 350_000,
    "\u202e西安\u202c\u2066\u200f",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "'; DROP TABLE resource; --",
    "%' OR 1=1 -- %_",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "\r\nSet-Cookie: a=b",
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}",
    "\ufeff𠮷𱁬👩‍👩‍👧‍👦",
    "NaN",
    "9" * 400,
    " \t\n ",
    DEEP,
)
"""What the published list lacks. Some hold what is no text at all and must be refused."""


def naughty_strings(shared_data: Path) -> list[str]:
    """The Big List of Naughty Strings."""
    found: list[str] = json.loads((shared_data / "09_bad_inputs" / "blns.json").read_text("utf-8"))
    return found


def places(body: Any, here: Place = ()) -> Iterator[Place]:
    """Every text of a body."""
    if isinstance(body, str):
        yield here
    elif isinstance(body, dict | list):
        for key, value in body.items() if isinstance(body, dict) else enumerate(body):
            yield from places(value, (*here, key))


def with_text(body: Any, place: Place, text: str) -> Any:
    """The same body with another text there."""
    changed = copy.deepcopy(body)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = text
    return changed


def encoded(body: Any) -> bytes:
    """The body as JSON in plain ASCII, so that lone surrogates go as escapes."""
    nested = "[" * _DEPTH + "]" * _DEPTH
    return json.dumps(body).replace(json.dumps(DEEP), nested).encode()


def strings_in(answer: Any) -> set[str]:
    """Every text of an answer, keys too."""
    if isinstance(answer, str):
        return {answer}
    if isinstance(answer, dict):
        return set(answer) | set().union(*(strings_in(value) for value in answer.values()))
    return set().union(*(strings_in(value) for value in answer)) if isinstance(answer, list) else set()
