"""The blocks of each page are a program that a user's type checker accepts."""

import subprocess
import sys

import pytest

from docs.programs import program, write_programs


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder with nothing but the programs of the pages, as in a project of a user."""
    folder = tmp_path_factory.mktemp("programs")
    assert write_programs(folder)
    return folder


def check(folder, *command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.seconds(300)
def test_every_page_is_clean_under_mypy_strict(programs):
    check(programs, "mypy", "--strict", "--config-file=", ".")


@pytest.mark.long
@pytest.mark.seconds(300)
def test_every_page_is_clean_under_pyright(programs):
    (programs / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
    check(programs, "basedpyright", "--pythonpath", sys.executable)


def test_a_program_keeps_the_line_numbers_of_its_page():
    page = "# Title\n\n```python\na = 1\n```\n\n```console\n$ b\n```\n\n```python\nc = a\n```\n"

    assert program(page) == "\n\n\na = 1\n\n\n\n\n\n\n\nc = a\n\n"
