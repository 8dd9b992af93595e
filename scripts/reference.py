"""Write the tables of docs/reference from the code: `python scripts/reference.py [--check]`.

A page holds blocks `<!-- generated: NAME -->` … `<!-- end -->`; what stands between is written anew by the function
of that name in `BLOCKS`. With `--check` nothing is written and the exit code says whether a page is stale. What the
code cannot say of itself (what an action is for, what a role is meant to do) stands in the tables here; one that is
missing fails.
"""

import ast
import inspect
import itertools
import re
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer.main
from litestar.handlers import HTTPRouteHandler

from citybase.city.indicators import RELATIONS
from citybase.city.packs.definitions import Manifest
from citybase.city.packs.sections import SECTIONS
from citybase.cli import COMMANDS, build
from citybase.kernel.error_table import ERRORS
from citybase.kernel.ids import new_id
from citybase.kernel.settings import ENVIRONMENT_PREFIX, Settings
from citybase.security.identity.people import ROLES
from citybase.security.policy import actions, allowed
from citybase.security.principals import Grant, Principal
from citybase.server.routes import ROUTES

__all__ = ["BLOCKS", "PAGES", "main", "render"]

PAGES = Path(__file__).parents[1] / "docs" / "reference"
_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HIGHEST_CLEARANCE = 4

ACTIONS = {
    "alarm.acknowledge": "say that an alarm was seen (确认告警)",
    "alarm.read": "read alarms",
    "audit.read": "read the audit log",
    "calendar.write": "set working days and days off (调休)",
    "case.accept": "accept, reject and register cases (受理, 不予受理, 立案)",
    "case.dispatch": "dispatch and reassign cases (派遣, 改派)",
    "case.handle": "handle what one's body was given, or return it (处置, 退回)",
    "case.intake": "take a case in by hand (登记)",
    "case.rate": "rate a closed case (评价)",
    "case.read": "read cases",
    "case.verify": "verify and close cases (核查, 结案)",
    "credential.issue": "issue, replace and revoke a device's credential",
    "identity.read": "read accounts and their roles",
    "identity.write": "create accounts, grant roles, reset passwords",
    "indicator.compute": "compute an indicator now",
    "indicator.read": "read indicators and the rows behind them",
    "map.write": "import official boundaries",
    "observation.read": "read observations",
    "observation.write": "deliver observations",
    "organization.read": "read the organisation tree and the divisions",
    "organization.write": "add, rename and move organisations",
    "pack.apply": "apply packs",
    "pack.read": "see which packs are applied",
    "resource.import": "import a ledger from a file",
    "resource.read": "read the ledger",
    "resource.write": "register and change resources",
    "system.read": "see how the engines are",
}
"""What each action of the access policy is for."""

_Rows = Iterable[Iterable[str]]


def main() -> int:
    """Write the pages, or only look; 1 when a page is stale and was not to be written."""
    stale = [page for page in sorted(PAGES.glob("*.md")) if render(page.read_text("utf-8")) != page.read_text("utf-8")]
    if "--check" in sys.argv[1:]:
        sys.stderr.writelines(f"stale: {page.name}; run python scripts/reference.py\n" for page in stale)
        return 1 if stale else 0
    for page in stale:
        page.write_text(render(page.read_text("utf-8")), encoding="utf-8")
    return 0


def render(text: str) -> str:
    """The page with its generated blocks as the code is now. Raises `KeyError` for an unknown block."""
    return _BLOCK.sub(lambda found: found[1] + "\n" + BLOCKS[found[2]]() + "\n" + found[3], text)


def _settings() -> str:
    words = _attribute_words(Settings)
    rows = [
        (f"`{field.name}`", f"`{ENVIRONMENT_PREFIX}{field.name.upper()}`", _default(field), words[field.name])
        for field in msgspec.structs.fields(Settings)
    ]
    return _table(("setting", "variable", "default", "meaning"), rows)


def _commands() -> str:
    return "\n".join(part for name in COMMANDS for part in _command(name))


def _command(name: str) -> Iterator[str]:
    group = typer.main.get_command(build([name]))
    yield from _described(f"citybase {name}", group.commands[name], COMMANDS[name][1])  # type: ignore[attr-defined]


def _described(path: str, command: Any, summary: str = "") -> Iterator[str]:
    """One command, or each of a group."""
    for name, part in getattr(command, "commands", {}).items():
        yield from _described(f"{path} {name}", part)
    if hasattr(command, "commands"):
        return
    words = inspect.cleandoc(command.help or summary).split("\n\n")
    yield f"### `{path}`\n\n" + "\n\n".join(" ".join(part.split()) for part in words) + "\n"
    rows = [
        (_parameter(each), _cell(getattr(each, "help", "") or "")) for each in command.params if each.name != "help"
    ]
    if rows:
        yield _table(("argument or option", "meaning"), rows) + "\n"


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
        return f"`{name}{'…' if parameter.nargs == -1 else ''}`"
    default = parameter.default
    shown = "" if default in (None, False) or callable(default) else f" = {getattr(default, 'value', default)}"
    return f"`{', '.join(parameter.opts)}{shown}`"


def _errors() -> str:
    rows = [
        (f"`{code}`", str(row.status), f"{row.title.zh}<br>{row.title.en}", f"{row.remedy.zh}<br>{row.remedy.en}")
        for code, row in sorted(ERRORS.items())
    ]
    return _table(("code", "status", "title", "remedy"), rows)


def _permissions() -> str:
    roles = list(ROLES)
    rows = [
        (f"`{action}`", ACTIONS[action], *("●" if _permits(role, action) else "" for role in roles))
        for action in actions()
    ]
    return _table(("action", "for", *(f"{role}<br>{ROLES[role][0]}" for role in roles)), rows)


def _permits(role: str, action: str) -> bool:
    kind: typing.Literal["service", "person"] = "service" if role == "collector" else "person"
    holder = Principal(id=new_id(), kind=kind, name=role, grants=(Grant(role, "/"),), clearance=_HIGHEST_CLEARANCE)
    return allowed(holder, action)


def _routes() -> str:
    rows = []
    for route in typing.cast("list[HTTPRouteHandler]", ROUTES):
        words = (route.summary or "") + ("" if route.include_in_schema else " (not in the OpenAPI document)")
        paths = itertools.product(sorted(route.http_methods), sorted(route.paths))
        rows += [(f"`{method}`", f"`/api/v1{path}`", words) for method, path in paths]
    return _table(("method", "path", "for"), rows)


def _relations() -> str:
    rows = [
        (f"`{one.name}`", f"{one.title} / {one.title_en}", ", ".join(f"`{name}`" for name in one.columns))
        for one in RELATIONS.values()
    ]
    return _table(("relation", "holds", "columns"), rows)


def _manifest() -> str:
    return _fields(Manifest)


def _sections() -> str:
    parts = []
    for section in SECTIONS:
        seen: list[type] = []
        tables = [_struct(each) for each in _structs(section.type, seen)]
        parts.append(f"### {section.name}: `{section.pattern}`\n\n" + "\n".join(tables))
    return "\n".join(parts)


def _structs(kind: type[msgspec.Struct], seen: list[type]) -> Iterator[type[msgspec.Struct]]:
    """A struct and those that its fields are made of, each once."""
    if kind in seen:
        return
    seen.append(kind)
    yield kind
    for field in msgspec.structs.fields(kind):
        for part in _parts(field.type):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                yield from _structs(part, seen)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from _parts(part)


def _struct(kind: type[msgspec.Struct]) -> str:
    words = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    return f"**{kind.__name__}.** {words}".rstrip() + f"\n\n{_fields(kind)}\n"


def _fields(kind: type[msgspec.Struct]) -> str:
    words = _attribute_words(kind)
    rows = [
        (f"`{field.encode_name}`", _cell(_type(field.type)), _default(field), words.get(field.name, ""))
        for field in msgspec.structs.fields(kind)
    ]
    return _table(("field", "type", "default", "meaning"), rows)


def _type(annotation: Any) -> str:
    """A type as a pack's author thinks of it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        pattern = next((meta.pattern for meta in arguments[1:] if getattr(meta, "pattern", None)), None)
        return _type(arguments[0]) + (f" `{pattern}`" if pattern else "")
    if origin is typing.Literal:
        return " · ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(part) for part in arguments if part is not type(None))
    if origin in (list, tuple):
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"map of {_type(arguments[1])}"
    return {"str": "text", "timedelta": "duration (ISO 8601)", "bool": "yes or no", "Any": "anything"}.get(
        getattr(annotation, "__name__", ""), getattr(annotation, "__name__", str(annotation))
    )


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default is None:
        return "unset"
    if field.default is msgspec.NODEFAULT:
        return "empty" if field.default_factory in (list, dict) else ""
    value = ", ".join(field.default) if isinstance(field.default, tuple) else field.default
    return "empty" if value == "" else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _attribute_words(kind: type) -> dict[str, str]:
    """The docstrings that stand below the fields of a class and of those it is derived from."""
    words: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.startswith("citybase"):
            words |= _own_attribute_words(each)
    return words


def _own_attribute_words(kind: type) -> dict[str, str]:
    body = typing.cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]).body
    words: dict[str, str] = {}
    for field, after in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            words[ast.unparse(field.target)] = _cell(" ".join(str(after.value.value).split()))
    return words


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _table(head: Iterable[str], rows: _Rows) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


BLOCKS: dict[str, Callable[[], str]] = {
    "settings": _settings,
    "commands": _commands,
    "errors": _errors,
    "permissions": _permissions,
    "routes": _routes,
    "manifest": _manifest,
    "sections": _sections,
    "relations": _relations,
}

if __name__ == "__main__":
    sys.exit(main())
