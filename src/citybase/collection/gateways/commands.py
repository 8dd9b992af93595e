"""`citybase decode PROTOCOL`: raw frames in, one a line; one JSON object out for each."""

import sys
from typing import Annotated

import msgspec
import typer

from citybase.collection.gateways.decoding import PROTOCOLS, decode_lines, read_lines

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def gateways() -> None:
    """Device protocols (设备协议)."""


@app.command()
def decode(
    protocol: Annotated[str, typer.Argument(help="协议 / protocol: " + ", ".join(sorted(PROTOCOLS)))],
) -> None:
    """Read raw frames from standard input, one a line, and print one JSON object a line (报文解析)."""
    if protocol not in PROTOCOLS:
        raise typer.BadParameter(f"{protocol}: {', '.join(sorted(PROTOCOLS))}", param_hint="PROTOCOL")
    for fields in decode_lines(protocol, read_lines(sys.stdin.buffer)):
        sys.stdout.buffer.write(msgspec.json.encode(fields) + b"\n")
        sys.stdout.buffer.flush()
