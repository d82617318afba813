"""Programs of users under the type checkers of users: each says what is wrong, and nothing else.

A line that is wrong on purpose ends with `# wrong`.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.workshop

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with nothing but the programs, as in a project of a user."""
    return shutil.copytree(PROGRAMS, tmp_path_factory.mktemp("project") / "programs")


def output_of(project, *command):
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True, check=False
    ).stdout


def wrong_on_purpose():
    return {
        f"{program.name}:{number}"
        for program in PROGRAMS.glob("*.py")
        for number, line in enumerate(program.read_text().splitlines(), 1)
        if line.endswith("# wrong")
    }


@pytest.mark.seconds(120)
def test_mypy_strict_reports_what_is_wrong_and_nothing_else(project):
    output = output_of(project, "mypy", "--strict", "--config-file=", ".")

    assert set(re.findall(r"^(\w+\.py:\d+): error", output, re.MULTILINE)) == wrong_on_purpose(), output


@pytest.mark.seconds(120)
def test_pyright_reports_what_is_wrong_and_nothing_else(project):
    (project / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
    output = output_of(project, "basedpyright", "--pythonpath", sys.executable, "--level", "error", "--outputjson")

    told = json.loads(output)["generalDiagnostics"]
    lines = {f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}" for each in told}
    assert lines == wrong_on_purpose(), output


def test_some_lines_are_wrong_on_purpose():
    assert len(wrong_on_purpose()) > 5
