"""The page on durable agents: its program is run, killed, and run again."""

import os
import re
import signal
import subprocess
import sys

import pytest

from docs.programs import ROOT, program


@pytest.mark.skipif(os.name != "posix", reason="the program kills itself as POSIX has it")
def test_the_job_goes_on_after_it_was_killed(tmp_path):
    (tmp_path / "job.py").write_text(program((ROOT / "docs" / "durable.md").read_text()))

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "job.py", *args]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    killed, again = run("6"), run()
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "begins after step 0\n")
    assert again.returncode == 0, again.stderr
    assert re.fullmatch(r"begins after step [67]\ndone: 10\n", again.stdout)
