"""Errors are data, in two languages, each with a remedy."""

import string

import pytest

from citybase.kernel.error_table import ERRORS
from citybase.kernel.errors import FieldError, Problem


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_error_speaks_both_languages_with_the_same_parameters(code: str) -> None:
    definition = ERRORS[code]
    assert 400 <= definition.status < 600
    for words in (definition.title, definition.detail, definition.remedy):
        assert words.zh.strip()
        assert words.en.strip()
        assert parameters(words.zh) == parameters(words.en)


def parameters(template: str) -> set[str]:
    """Names to fill in; a value that differs by language is given twice, as `state` and `state_en`."""
    return {name.removesuffix("_en") for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_a_problem_becomes_an_rfc_9457_document_in_the_readers_language() -> None:
    problem = Problem("version_conflict", [FieldError("/version", "old", "旧")], given=1, current=3)
    chinese, english = problem.document(), problem.document("en", "/api/v1/x")
    assert (chinese.status, chinese.code, chinese.type) == (
        412,
        "version_conflict",
        "urn:citybase:error:version_conflict",
    )
    assert "1" in chinese.detail
    assert "3" in english.detail
    assert english.instance == "/api/v1/x"
    assert english.errors[0].pointer == "/version"


def test_an_unknown_code_is_a_mistake_of_ours_and_a_missing_parameter_is_shown() -> None:
    with pytest.raises(KeyError):
        Problem("no_such_code")
    assert "{what}" in Problem("not_found").document().detail
