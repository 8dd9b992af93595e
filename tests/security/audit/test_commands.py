"""`citybase audit` at the command line."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from citybase.security.audit.commands import app
from citybase.security.audit.keys import SigningKey
from citybase.security.audit.log import CHECKPOINT, PUBLIC_KEY
from citybase.security.audit.proof import InclusionProof
from citybase.security.audit.verify import Report
from tests.security.audit.conftest import NewLog

runner = CliRunner()


@pytest.fixture
def log(new_log: NewLog, folder: Path) -> Path:
    new_log().append([b'{"action":"a"}', b'{"action":"b"}', b'{"action":"c"}'])
    return folder


def test_an_intact_log_is_said_to_be_intact(log: Path) -> None:
    result = runner.invoke(app, ["verify", "--log", str(log), "--index", "1"])
    assert result.exit_code == 0, result.output
    assert "完好：3 条记录，2 个检查点，含第 1 条" in result.stdout
    assert "Intact: 3 entries" in result.stdout
    assert "--key" in result.stdout


def test_a_key_kept_elsewhere_needs_no_warning(log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes((log / PUBLIC_KEY).read_bytes())
    result = runner.invoke(app, ["verify", "--log", str(log), "--key", str(kept), "--known", str(log / CHECKPOINT)])
    assert result.exit_code == 0, result.output
    assert "--key" not in result.stdout


def test_a_damaged_log_is_described_with_place_and_remedy(log: Path) -> None:
    bundle = log / "tile/entries/000.p/3"
    bundle.write_bytes(bundle.read_bytes().replace(b'"b"', b'"x"'))
    result = runner.invoke(app, ["verify", "--log", str(log)])
    assert result.exit_code == 1
    assert "tile/entries/000.p/3:16\n  第 1 条记录与记入时不同\n" in result.stdout
    assert "Entry 1 is not what was logged" in result.stdout
    assert "不完好" in result.stdout
    as_json = runner.invoke(app, ["verify", "--log", str(log), "--json"])
    report = msgspec.json.decode(as_json.stdout, type=Report)
    assert (as_json.exit_code, report.ok, report.problems[-1].index) == (1, False, 1)


def test_many_problems_are_counted_and_not_all_printed(log: Path) -> None:
    for number in range(60):
        (log / f"stray-{number}").touch()
    result = runner.invoke(app, ["verify", "--log", str(log)])
    assert "共 60 处" in result.stdout
    assert result.stdout.count("日志中不应有的文件") == 50


def test_an_entry_is_shown(log: Path) -> None:
    result = runner.invoke(app, ["show", "2", "--log", str(log)])
    assert msgspec.json.decode(result.stdout) == {"action": "c"}


def test_a_proof_is_printed_that_others_can_check(log: Path, key: SigningKey) -> None:
    result = runner.invoke(app, ["prove", "2", "--log", str(log)])
    assert result.stdout.startswith("c2sp.org/tlog-proof@v1\nindex 2\n")
    assert InclusionProof.parse(result.stdout).shows(b'{"action":"c"}', key.verifier)


@pytest.mark.parametrize("command", [["show", "3"], ["prove", "3"]])
def test_an_index_beyond_the_log_is_refused(log: Path, command: list[str]) -> None:
    result = runner.invoke(app, [*command, "--log", str(log)])
    assert result.exit_code == 2
    assert "3" in result.stderr


@pytest.mark.parametrize("extra", [["--key", "absent"], ["--known", "absent"]])
def test_what_cannot_be_read_is_named(log: Path, extra: list[str]) -> None:
    result = runner.invoke(app, ["verify", "--log", str(log), *extra])
    assert result.exit_code == 2
    assert "absent" in result.stderr


def test_a_file_that_is_no_proof_is_refused() -> None:
    with pytest.raises(ValueError, match="not a tlog-proof"):
        InclusionProof.parse("hello\n\nworld")
