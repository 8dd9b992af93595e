"""The command `citybase`. Each group lives with its capability and is imported only when it is called."""

import importlib
import sys
from collections.abc import Sequence

import typer

from citybase.kernel.errors import Language, Problem

__all__ = ["COMMANDS", "build", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("citybase.server.commands:up", "Start the city and keep it running 启动"),
    "doctor": ("citybase.server.commands:doctor", "Say what is wrong and how to mend it 诊断"),
    "person": ("citybase.server.commands:person", "Accounts: give a new password 账号"),
    "pack": ("citybase.server.pack_commands:app", "Check, diff and apply packs 场景包"),
    "audit": ("citybase.security.audit.commands:app", "Verify the audit log offline 审计"),
    "decode": ("citybase.collection.gateways.commands:decode", "Decode raw device frames 解码"),
    "replay": ("citybase.collection.replay.commands:replay", "Play recorded readings into the city 回放"),
}
"""Command name → where it is (a function or a group), what it is for."""

_LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line for these arguments: the named command is real, the others only say what they are for."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="CityBase 城基")
    app.callback()(_root)
    for name, (place, summary) in COMMANDS.items():
        target = _load(place) if arguments[:1] == [name] else _nothing
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=name, help=summary)
        else:
            app.command(name, help=summary)(target)
    return app


def main() -> None:
    """Entry point; a `Problem` becomes two readable lines and exit code 1."""
    try:
        build(sys.argv[1:])()
    except Problem as problem:
        for language in _LANGUAGES:
            document = problem.document(language)
            typer.echo(f"{document.title}: {document.detail} {document.remedy}", err=True)
        sys.exit(1)


def _root() -> None:
    """CityBase 城基: a city's digital public infrastructure as one program."""


def _nothing() -> None:
    """Stands in the list of commands for one that was not called."""


def _load(place: str) -> typer.Typer:
    module, _, name = place.partition(":")
    target: typer.Typer = getattr(importlib.import_module(module), name)
    return target


if __name__ == "__main__":
    main()
