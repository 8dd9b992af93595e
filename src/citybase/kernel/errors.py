"""Errors as data: one table of codes, each with status, words in Chinese and English, and a remedy.

`Problem` is the only exception that capabilities raise for what a caller did or met; the HTTP layer renders it as
`application/problem+json` (RFC 9457), the command line as two lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from citybase.kernel.error_table import ERRORS, Words

__all__ = ["FieldError", "Language", "Problem", "ProblemDocument"]

Language = Literal["zh-CN", "en"]


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place of the input that is wrong: JSON pointer or column, a code, and words for people."""

    pointer: str
    code: str
    message: str
    row: int | None = None


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 problem details, with the extension members `code`, `remedy` and `errors`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    instance: str | None = None
    errors: tuple[FieldError, ...] = ()


@dataclass(slots=True)
class Problem(Exception):
    """Something the caller can understand and mend.

    `code` names a row of `ERRORS`; `params` fill its words; `errors` list the places in the input.
    """

    code: str
    params: dict[str, object]
    errors: tuple[FieldError, ...] = ()

    def __init__(self, code: str, /, errors: Sequence[FieldError] = (), **params: object) -> None:
        if code not in ERRORS:
            raise KeyError(f"unknown error code {code!r}: add it to kernel/error_table.py")
        Exception.__init__(self, code)
        self.code = code
        self.params = params
        self.errors = tuple(errors)

    @property
    def status(self) -> int:
        return ERRORS[self.code].status

    def document(self, language: Language = "zh-CN", instance: str | None = None) -> ProblemDocument:
        """This problem as RFC 9457 members, in the reader's language."""
        definition = ERRORS[self.code]
        return ProblemDocument(
            type=f"urn:citybase:error:{self.code}",
            title=self._fill(definition.title, language),
            status=definition.status,
            detail=self._fill(definition.detail, language),
            code=self.code,
            remedy=self._fill(definition.remedy, language),
            instance=instance,
            errors=self.errors,
        )

    def _fill(self, words: Words, language: Language) -> str:
        template = words.en if language == "en" else words.zh
        return template.format_map(_Visible(self.params))

    def __str__(self) -> str:
        document = self.document("en")
        return f"{document.title}: {document.detail}"


class _Visible(dict[str, object]):
    """Parameters for a template; one that was not given shows its name instead of failing while failing."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
