"""`citybase audit`: verify the log offline, show an entry, prove that it is in the log."""

from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from citybase.security.audit.checkpoint import CheckpointError
from citybase.security.audit.findings import Finding
from citybase.security.audit.keys import KeyFormatError, VerifierKey
from citybase.security.audit.log import PUBLIC_KEY, LogReader
from citybase.security.audit.tiles import LogDamagedError
from citybase.security.audit.verify import Report, verify_folder

__all__ = ["app"]

app = typer.Typer(name="audit", help="审计日志：校验、查看、出具证明 / The audit log: verify, show, prove.")

LogFolder = Annotated[Path, typer.Option("--log", help="日志文件夹 / folder of the log")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", help="独立保管的公钥文件 / public key kept elsewhere; default: the folder's own copy"),
]
Index = Annotated[int, typer.Argument(min=0, help="序号，从 0 起 / index, from 0")]

_DEFAULT_LOG = Path("data/audit")
_SHOWN = 50


@app.command()
def verify(
    log: LogFolder = _DEFAULT_LOG,
    key: KeyFile = None,
    index: Annotated[int | None, typer.Option(min=0, help="另证此条在内 / also prove this entry")] = None,
    known: Annotated[
        list[Path] | None,
        typer.Option(help="从前另存的检查点，用于发现回退 / checkpoints kept elsewhere, to find a roll-back"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """校验整个日志；有问题时退出码为 1 / Verify the whole log; exit code 1 when anything is wrong."""
    try:
        notes = [path.read_bytes() for path in known or ()]
        report = verify_folder(log, _key(log, key), index=index, known=notes)
    except (CheckpointError, OSError) as error:
        _refuse(str(error))
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _tell(report, index, own_key=key is None)
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def show(index: Index, log: LogFolder = _DEFAULT_LOG, key: KeyFile = None) -> None:
    """显示一条记录 / Show one entry as JSON."""
    try:
        entry = LogReader(log, _key(log, key)).entry(index)
        typer.echo(msgspec.json.format(entry).decode())
    except (IndexError, LogDamagedError, msgspec.DecodeError) as error:
        _refuse(str(error))


@app.command()
def prove(index: Index, log: LogFolder = _DEFAULT_LOG, key: KeyFile = None) -> None:
    """出具一条记录的证明（C2SP tlog-proof）/ Print the proof that an entry is in the log."""
    try:
        typer.echo(LogReader(log, _key(log, key)).inclusion(index).text(), nl=False)
    except (ValueError, LogDamagedError) as error:
        _refuse(str(error))


def _key(log: Path, key: Path | None) -> VerifierKey:
    path = key or log / PUBLIC_KEY
    try:
        return VerifierKey.parse(path.read_text(encoding="utf-8").removesuffix("\n"))
    except (OSError, UnicodeDecodeError, KeyFormatError) as error:
        _refuse(f"{path}: {error}")


def _tell(report: Report, index: int | None, own_key: bool) -> None:
    if own_key:
        typer.echo("注意：公钥取自日志文件夹本身，防不住连公钥一起替换的人；请用 --key 指定独立保管的公钥。")
        typer.echo("Note: the public key is the folder's own copy; give the one kept elsewhere with --key.")
    for problem in report.problems[:_SHOWN]:
        typer.echo(_described(problem))
    if len(report.problems) > _SHOWN:
        typer.echo(f"…… 共 {len(report.problems)} 处，全部见 --json / {len(report.problems)} in all, see --json")
    if report.ok:
        included = "" if index is None else f"，含第 {index} 条 / entry {index} included"
        typer.echo(f"完好：{report.size} 条记录，{report.checkpoints} 个检查点{included}")
        typer.echo(
            f"Intact: {report.size} entries, {report.checkpoints} checkpoints, root {report.root} ({report.hash})"
        )
    else:
        typer.echo(f"不完好：{len(report.problems)} 处问题 / Not intact: {len(report.problems)} problems")


def _described(problem: Finding) -> str:
    place = problem.file if problem.offset is None else f"{problem.file}:{problem.offset}"
    return f"{place}\n  {problem.what}\n  → {problem.remedy}\n  {problem.what_en}\n  → {problem.remedy_en}"


def _refuse(reason: str) -> NoReturn:
    typer.echo(f"无法进行 / cannot proceed: {reason}", err=True)
    raise typer.Exit(2)
