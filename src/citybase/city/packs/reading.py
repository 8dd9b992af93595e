"""From a folder to typed definitions. Nothing is decided here: whatever is wrong is collected with its place."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import msgspec

from citybase.city.packs.definitions import Manifest
from citybase.city.packs.lines import Entry, PackError, SourceError, read_csv, read_yaml
from citybase.city.packs.locating import MANIFEST
from citybase.city.packs.sections import SECTIONS, Section

__all__ = ["Definition", "Pack", "read_manifest", "read_pack"]

_PLACE = re.compile(r" - at `(?:key in )?\$?([^`]*)`$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$")
_MISSING = re.compile(r"^Object missing required field `(.*)`$")
_LIST_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Definition:
    """One typed definition and where it stands."""

    id: str
    value: Any
    entry: Entry


@dataclass(slots=True)
class Pack:
    """A pack as read: typed definitions by section, and the errors met on the way."""

    folder: Path
    manifest: Manifest
    sections: dict[str, list[Definition]] = field(default_factory=dict)
    stated: dict[str, set[str]] = field(default_factory=dict)
    """Ids by section, of definitions with errors too: what refers to them is not wrong for that."""
    errors: list[PackError] = field(default_factory=list)


def read_manifest(folder: Path) -> Manifest:
    """Read `pack.toml`. Raises `SourceError`."""
    path = folder / MANIFEST
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Manifest)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        named = re.search(r"at line (\d+)", str(error))
        line = int(named.group(1)) if named else 1
        raise SourceError(PackError(MANIFEST, line, f"无法读取:{error}", "写成 UTF-8 编码的 TOML 文件")) from error
    except msgspec.ValidationError as error:
        what, pointer = _explain(error)
        line = _toml_line(path, pointer.removeprefix("/"))
        raise SourceError(PackError(MANIFEST, line, what, "照 docs 中的清单格式改正")) from error


def read_pack(folder: Path) -> Pack:
    """Read a whole folder. Raises `SourceError` only when there is no readable manifest."""
    pack = Pack(folder, read_manifest(folder))
    if pack.manifest.id != folder.name:
        what = f"id 是 {pack.manifest.id},文件夹名是 {folder.name}"
        pack.errors.append(PackError(MANIFEST, _toml_line(folder / MANIFEST, "id"), what, "让两者相同"))
    for section in SECTIONS:
        pack.sections[section.name] = list(_read_section(pack, section))
    return pack


def _read_section(pack: Pack, section: Section) -> Iterator[Definition]:
    for path in sorted(pack.folder.glob(section.pattern)):
        for entry in _read_file(pack, path, section):
            identifier = section.identify(entry.value)
            pack.stated.setdefault(section.name, set()).add(identifier)
            try:
                yield Definition(identifier, _typed(section, entry), entry)
            except msgspec.ValidationError as error:
                what, pointer = _explain(error)
                pack.errors.append(PackError(entry.file, entry.line(pointer), what, "照该类定义的字段说明改正"))


def _read_file(pack: Pack, path: Path, section: Section) -> Iterator[Entry]:
    file = path.relative_to(pack.folder).as_posix()
    try:
        text = path.read_text(encoding="utf-8-sig")
        yield from read_csv(file, text) if section.rows else read_yaml(file, text)
    except SourceError as error:
        pack.errors.append(error.error)
    except (OSError, UnicodeDecodeError) as error:
        pack.errors.append(PackError(file, 1, f"无法读取:{error}", "另存为 UTF-8 编码"))


def _typed(section: Section, entry: Entry) -> Any:
    if not section.rows:
        return msgspec.convert(entry.value, section.type)
    hints = _hints(section.type)
    cells = {name: _cell(hints.get(name), text) for name, text in entry.value.items()}
    return msgspec.convert(cells, section.type, strict=False)


@cache
def _hints(type_: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(type_)


def _cell(hint: Any, text: str) -> Any:
    if get_origin(hint) is list:
        return [part.strip() for part in text.split(_LIST_SEPARATOR) if part.strip()]
    if get_origin(hint) is dict:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise msgspec.ValidationError(f"不是有效的 JSON:{error}") from error
    return text


def _explain(error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong in Chinese, and the JSON pointer of the place."""
    message = str(error)
    place = _PLACE.search(message)
    words = message[: place.start()] if place else message
    pointer = re.sub(r"\.|\[", "/", (place.group(1) if place else "").replace("]", ""))
    if unknown := _UNKNOWN.match(words):
        return f"没有字段 {unknown.group(1)}", f"{pointer}/{unknown.group(1)}"
    if missing := _MISSING.match(words):
        return f"缺少字段 {missing.group(1)}", pointer
    return f"{pointer.removeprefix('/') or '这里'}:{words}", pointer


def _toml_line(path: Path, name: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if re.match(rf"{re.escape(name)}\s*=", line)), 1)
