"""Pages whose agents are kept: their programs are run as files, as durable agents are found again by their modules."""

import subprocess
import sys

import pytest

from docs.programs import ROOT, program


@pytest.mark.parametrize("page", ["hibernation", "keyed", "memory"])
def test_the_program_of_a_page_runs(tmp_path, page):
    (tmp_path / "shop.py").write_text(program((ROOT / "docs" / f"{page}.md").read_text()))
    command = [sys.executable, "-W", "error", "shop.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
