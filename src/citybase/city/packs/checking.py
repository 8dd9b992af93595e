"""Everything that can be known of a pack without a database: each error names file, line, what and remedy."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from citybase.city.packs.lines import PackError, SourceError
from citybase.city.packs.locating import MANIFEST, find_pack
from citybase.city.packs.reading import Definition, Pack, read_pack
from citybase.city.packs.sections import SECTIONS, Section
from citybase.city.resources.checking import ResourceDraft, check_draft
from citybase.city.resources.definitions import KindDefinition
from citybase.city.resources.definitions import check as check_kind
from citybase.kernel.errors import Problem

__all__ = ["check_pack", "errors_of", "with_required"]

_ANYBODY = UUID(int=0)
_MEND = "照提示改正这一处"


def check_pack(folder: Path) -> list[PackError]:
    """All errors of one pack, in the order of file and line; the packs it requires serve to resolve references."""
    try:
        packs = with_required([folder])
    except SourceError as error:
        return [error.error]
    except Problem as problem:
        what = f"依赖的场景包无法解析:{problem.params.get('pack', '')}"
        return [PackError(MANIFEST, 1, what, "核对 requires 中的标识,把它放在同级文件夹或随附场景包中")]
    return errors_of(packs[-1], packs)


def errors_of(pack: Pack, packs: Sequence[Pack]) -> list[PackError]:
    """All errors of a pack that was read; of the others, those it requires serve to resolve references."""
    packs = _required_among(pack, packs)
    known = _known_ids(packs)
    errors = [*pack.errors, *_check_functions(pack), *_check_entries(pack, packs), *_check_rules(pack, packs)]
    for section in SECTIONS:
        errors += _check_section(section, pack.sections[section.name], known)
    return sorted(dict.fromkeys(errors))


def with_required(folders: Iterable[Path]) -> list[Pack]:
    """The packs of these folders and everything they require, each once, required ones first.

    Raises `unknown_pack` for one that cannot be found or that requires itself, `SourceError` for a broken manifest.
    """
    ordered: dict[str, Pack] = {}

    def place(folder: Path, above: tuple[Path, ...]) -> None:
        if folder in above:
            raise Problem("unknown_pack", pack=" → ".join(path.name for path in (*above, folder)))
        pack = read_pack(folder)
        if pack.manifest.id in ordered:
            return
        for name in pack.manifest.requires:
            place(find_pack(name, near=folder), (*above, folder))
        ordered[pack.manifest.id] = pack

    for folder in folders:
        place(folder, ())
    return list(ordered.values())


def _required_among(pack: Pack, packs: Sequence[Pack]) -> list[Pack]:
    """The pack and everything it requires, directly or not; `packs` stand in their order."""
    needed = {pack.manifest.id}
    for each in reversed(packs):
        if each.manifest.id in needed:
            needed |= set(each.manifest.requires)
    return [each for each in packs if each.manifest.id in needed]


def _known_ids(packs: Iterable[Pack]) -> dict[str, set[str]]:
    known: dict[str, set[str]] = {section.name: set() for section in SECTIONS}
    for pack in packs:
        for name, ids in pack.stated.items():
            known[name] |= ids
    return known


def _check_section(section: Section, definitions: list[Definition], known: dict[str, set[str]]) -> Iterator[PackError]:
    seen: dict[str, Definition] = {}
    for definition in definitions:
        entry = definition.entry
        if definition.id in seen:
            first = seen[definition.id].entry
            what = f"{section.key} {definition.id} 与 {first.file} 第 {first.line('')} 行重复"
            yield PackError(entry.file, entry.line(f"/{section.key}"), what, "改成不同的标识,或删去一处")
        seen.setdefault(definition.id, definition)
        for error in section.check(definition.value):
            yield PackError(entry.file, entry.line(error.pointer), f"{error.pointer} {error.message}", _MEND)
        yield from _check_references(section, definition, known)
        yield from _check_sql(section, definition)


def _check_references(section: Section, definition: Definition, known: dict[str, set[str]]) -> Iterator[PackError]:
    for place, target in section.refers.items():
        for pointer, name in _walk(msgspec.to_builtins(definition.value), place.split("/")):
            if name not in known[target]:
                what = f"{pointer} 所指的 {name} 不在 {target} 中"
                line = definition.entry.line(pointer)
                yield PackError(definition.entry.file, line, what, "改正标识,或在 requires 中写上定义它的场景包")


def _check_sql(section: Section, definition: Definition) -> Iterator[PackError]:
    for place in section.sql:
        for pointer, text in _walk(msgspec.to_builtins(definition.value), place.split("/")):
            try:
                sqlglot.parse_one(str(text), dialect="duckdb")
            except SqlglotError as error:
                what = f"{pointer} SQL 语法错误:{str(error).splitlines()[0]}"
                yield PackError(definition.entry.file, definition.entry.line(pointer), what, "改正 SQL(DuckDB 方言)")


def _walk(value: Any, parts: list[str], pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every non-empty value at a place like `layers/*/kind`, with its pointer."""
    if not parts:
        if value not in (None, ""):
            yield pointer, value
    elif parts[0] == "*" and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk(item, parts[1:], f"{pointer}/{number}")
    elif isinstance(value, dict) and parts[0] in value:
        yield from _walk(value[parts[0]], parts[1:], f"{pointer}/{parts[0]}")


def _check_functions(pack: Pack) -> Iterator[PackError]:
    path = pack.folder / "functions.py"
    declared: dict[str, list[str]] = {}
    if path.is_file():
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            yield PackError("functions.py", getattr(error, "lineno", 1) or 1, f"Python 语法错误:{error}", _MEND)
            return
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        declared = {node.name: [item.arg for item in (*node.args.args, *node.args.kwonlyargs)] for node in functions}
    for definition in pack.sections["kinds"]:
        yield from _check_derivations(definition, declared)


def _check_derivations(definition: Definition, declared: dict[str, list[str]]) -> Iterator[PackError]:
    for number, item in enumerate(definition.value.properties):
        pointer = f"/properties/{number}/derive"
        line = definition.entry.line(pointer)
        if item.derive is None:
            continue
        if item.derive.function not in declared:
            what = f"functions.py 中没有函数 {item.derive.function}"
            yield PackError(definition.entry.file, line, what, "在 functions.py 中写出它,或改正函数名")
        elif declared[item.derive.function] != item.derive.arguments:
            what = f"{item.derive.function} 的参数是 {', '.join(declared[item.derive.function])}"
            yield PackError(definition.entry.file, line, what, "让 arguments 与函数的参数同名同序")


def _sound_kinds(packs: Iterable[Pack]) -> dict[str, KindDefinition]:
    stated: list[KindDefinition] = [item.value for each in packs for item in each.sections["kinds"]]
    return {kind.id: kind for kind in stated if not check_kind(kind)}


def _check_rules(pack: Pack, packs: Iterable[Pack]) -> Iterator[PackError]:
    """Conditions of rules against what their kinds observe."""
    kinds = _sound_kinds(packs)
    for definition in pack.sections["rules"]:
        entry, kind = definition.entry, kinds.get(definition.value.kind)
        observed = {item.id for item in kind.properties} if kind else set()
        for place in ("condition", "clear") if kind else ():
            for name in _columns(getattr(definition.value, place) or "") - observed:
                what = f"/{place} 中的 {name} 不是“{definition.value.kind}”的观测项"
                yield PackError(entry.file, entry.line(f"/{place}"), what, f"可用:{', '.join(sorted(observed))}")


def _columns(sql: str) -> set[str]:
    """Names of the columns of an expression; none where it cannot be read, which is told elsewhere."""
    try:
        tree = sqlglot.parse_one(sql or "1", dialect="duckdb")
    except SqlglotError:
        return set()
    return {column.name for column in tree.find_all(exp.Column)}


def _check_entries(pack: Pack, packs: Iterable[Pack]) -> Iterator[PackError]:
    """Rows of the ledger against their kinds."""
    kinds = _sound_kinds(packs)
    for definition in pack.sections["resources"]:
        entry, kind = definition.entry, kinds.get(definition.value.kind)
        if kind is None:
            continue
        values = msgspec.structs.asdict(definition.value)
        del values["owner"]
        for error in check_draft(kind, ResourceDraft(owner_id=_ANYBODY, **values)):
            yield PackError(entry.file, entry.line(""), f"{error.pointer} {error.message}", _MEND)
