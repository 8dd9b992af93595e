"""A real process, really killed while it appends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from citybase.security.audit.log import open_log
from citybase.security.audit.verify import verify_folder
from tests.security.audit.conftest import ORIGIN, leaves

pytestmark = pytest.mark.faults

WRITER = """
import sys
from pathlib import Path
from citybase.security.audit.log import open_log
from tests.security.audit.conftest import leaves
log = open_log(Path(sys.argv[1]), Path(sys.argv[2]), "unused")
while True:
    size = log.recover()
    print(log.append(leaves(size, size + 1 + size % 90)).stop, flush=True)
"""


def test_a_writer_killed_while_it_appends_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    folder, key_file = tmp_path / "audit", tmp_path / "audit.key"
    verifier = open_log(folder, key_file, ORIGIN).verifier
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for pause in (0.0, 0.004, 0.011, 0.023, 0.037, 0.061, 0.097, 0.15):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, folder, key_file], stdout=subprocess.PIPE, text=True, env=environment
        ) as writer:
            assert writer.stdout is not None
            acknowledged = int(writer.stdout.readline())
            time.sleep(pause)
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:
                acknowledged = int(line)
        log = open_log(folder, key_file, ORIGIN)
        assert log.size >= acknowledged
        assert log.entries(0, log.size) == leaves(0, log.size)
        report = verify_folder(folder, verifier)
        assert report.ok, report.problems
