"""YAML and CSV with the line of every value kept, so that an error can name its place.

YAML is read by the rules of YAML 1.2 where they differ in a trap: only `true` and `false` are booleans (`no`, `on`
and `off` are text) and a date is text. Anchors and aliases are refused: what a definition says stands where it says it.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

__all__ = ["Entry", "PackError", "SourceError", "read_csv", "read_yaml"]


@dataclass(frozen=True, slots=True, order=True)
class PackError:
    """One thing wrong in a pack: where, what, and how to mend it."""

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what} → {self.remedy}"


class SourceError(Exception):
    """A file that cannot be read at all, or not from some place on."""

    def __init__(self, error: PackError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition as it stands in a file; `lines` maps JSON pointers to line numbers."""

    file: str
    value: Any
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, pointer: str) -> int:
        """The line of a place, or of the nearest one around it."""
        while pointer not in self.lines and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe loader (on libyaml) with the YAML 1.2 core meaning of plain words."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] not in {"bool", "timestamp"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


_PLAIN_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


def read_yaml(file: str, text: str) -> list[Entry]:
    """The definitions of a YAML file: a mapping is one, a list holds several. Raises `SourceError`."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SourceError(PackError(file, line, f"YAML 语法错误:{error.problem}", "检查缩进、冒号和引号")) from error
    except yaml.YAMLError as error:
        raise SourceError(PackError(file, 1, f"不是有效的 YAML:{error}", "去掉文件中的控制字符")) from error
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [_entry(file, loader, item) for item in nodes if item is not None]


def _entry(file: str, loader: _Loader, node: yaml.Node) -> Entry:
    if not isinstance(node, yaml.MappingNode):
        raise SourceError(PackError(file, _line(node), "这里应是“字段: 值”的定义", "参照其他定义文件的写法"))
    lines: dict[str, int] = {}
    return Entry(file, _build(file, loader, node, "", lines, set()), lines)


def _build(file: str, loader: _Loader, node: yaml.Node, pointer: str, lines: dict[str, int], seen: set[int]) -> Any:
    lines[pointer] = _line(node)
    if id(node) in seen:
        raise SourceError(PackError(file, _line(node), "使用了 YAML 引用(& 或 *)", "把内容直接写在这里"))
    seen.add(id(node))
    if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
        raise SourceError(PackError(file, _line(node), f"不支持的 YAML 标签 {node.tag}", "删去 ! 开头的标签"))
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(file, loader, node, pointer, lines, seen)
    if isinstance(node, yaml.SequenceNode):
        items = enumerate(node.value)
        return [_build(file, loader, item, f"{pointer}/{number}", lines, seen) for number, item in items]
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise SourceError(PackError(file, _line(node), f"无法理解的值:{error}", "加上引号写成文本")) from error


def _build_mapping(
    file: str, loader: _Loader, node: yaml.MappingNode, pointer: str, lines: dict[str, int], seen: set[int]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        name = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if name is None or name in values:
            what = "字段名必须是文本" if name is None else f"字段 {name} 写了两次"
            raise SourceError(PackError(file, _line(key_node), what, "每个字段只写一次"))
        values[name] = _build(file, loader, value_node, f"{pointer}/{name}", lines, seen)
        lines[f"{pointer}/{name}"] = _line(key_node)
    return values


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def read_csv(file: str, text: str) -> Iterator[Entry]:
    """The rows of a CSV file with a header, empty cells left out. Raises `SourceError` at a ragged or broken row."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if len(set(header)) != len(header) or "" in header:
            raise SourceError(PackError(file, 1, "表头有空的或重复的列名", "每列写一个不同的字段名"))
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) != len(header) and cells:
                what = f"这一行有 {len(cells)} 列,表头有 {len(header)} 列"
                raise SourceError(PackError(file, line, what, "补齐或删去多余的单元格"))
            if cells:
                row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
                yield Entry(file, row, {"": line})
            line = reader.line_num + 1
    except csv.Error as error:
        raise SourceError(PackError(file, reader.line_num, f"CSV 语法错误:{error}", "检查引号是否成对")) from error
