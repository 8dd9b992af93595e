"""Documented or the test fails: settings, commands, error codes, actions, roles, routes, pack fields."""

import re
from pathlib import Path

import pytest

from citybase.cli import COMMANDS
from citybase.kernel.error_table import ERRORS
from citybase.kernel.settings import Settings
from citybase.security.identity.people import ROLES
from citybase.security.policy import actions
from scripts.reference import ACTIONS, BLOCKS, PAGES, render

ROOT = PAGES.parents[1]
DOCS = ROOT / "docs"
EVERY_PAGE = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted(DOCS.rglob("*.md"))]
PENDING: set[str] = set()
"""Links whose target is still to come: the screenshot is taken of the finished page. This may only shrink."""
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
_TERM = re.compile(r"^\| (?P<zh>[^|]+) \| (?P<en>[^|]+) \| (?P<code>[^|]+) \|$", re.MULTILINE)


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.name)
def test_a_reference_page_says_what_the_code_says(page: Path) -> None:
    text = page.read_text("utf-8")
    assert render(text) == text, "stale: run python scripts/reference.py"


def test_every_generated_block_stands_on_a_page() -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES.glob("*.md"))
    assert {name for name in BLOCKS if f"<!-- generated: {name} -->\n" in text} == set(BLOCKS)


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("settings.md", Settings.__struct_fields__),
        ("errors.md", tuple(ERRORS)),
        ("permissions.md", (*actions(), *ROLES)),
        ("commands.md", tuple(COMMANDS)),
    ],
)
def test_nothing_is_undocumented(page: str, names: tuple[str, ...]) -> None:
    text = (PAGES / page).read_text("utf-8")
    assert [name for name in names if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def test_no_action_is_described_that_does_not_exist() -> None:
    assert sorted(ACTIONS) == list(actions())


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = {link for link in _LINK.findall(page.read_text("utf-8")) if "://" not in link} - PENDING
    assert sorted(link for link in targets if not (page.parent / link).exists()) == []


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"(?:^|[`/ ])citybase ([a-z]+)\b", page.read_text("utf-8"), re.MULTILINE))
    assert named <= set(COMMANDS)


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    pages = [page for page in DOCS.rglob("*.md") if page != DOCS / "README.md"]
    assert [str(page.relative_to(DOCS)) for page in pages if f"({page.relative_to(DOCS)})" not in index] == []


def test_identifiers_of_the_glossary_are_used() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "packs").rglob("*.yaml"), *(ROOT / "src").rglob("*.cedar*")]
    code = "\n".join(path.read_text("utf-8") for path in sources)
    terms = _TERM.findall((DOCS / "glossary.md").read_text("utf-8"))
    identifiers = [name for _, _, cell in terms for name in re.findall(r"`([^`]+)`", cell)]
    assert len(identifiers) > 50
    assert [name for name in identifiers if name not in code] == []
