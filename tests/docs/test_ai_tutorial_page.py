"""The tutorial of agents that speak with models: its commands are run as they stand, and the kills are real."""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from typing import Any

import pytest

from docs.programs import ROOT, program
from jido_trio.cli import main

PAGE = (ROOT / "docs" / "ai" / "tutorial.md").read_text(encoding="utf-8")
JIDO_TRIO = f"{sysconfig.get_path('scripts')}/jido-trio"
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
CHECK = "cd desk && ./check"
"""What it says is the business of the tests of `jido-trio new`."""
pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="it is killed as POSIX has it"),
    pytest.mark.seconds(90),  # it starts real programs
]


def commands(section):
    """Yield the commands of a section, each with what the page shows behind it."""
    for block in re.findall(r"```console\n(.*?)```", SECTIONS[section], re.DOTALL):
        for part in block.split("$ ")[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown.splitlines()


def run(folder, command, shown):
    """Run a command as the page has it: killed where it is killed there, and told what it is told there."""
    program, *options = shlex.split(command)
    ours = {".venv/bin/python": sys.executable, ".venv/bin/jido-trio": JIDO_TRIO}
    environment = os.environ | {"PYTHONPATH": f"src{os.pathsep}{ROOT}"}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    started = [ours.get(program, program), *options]
    with subprocess.Popen(started, cwd=folder, text=True, env=environment, **pipes) as process:
        assert process.stdout is not None
        if "Killed" in shown:
            said = [process.stdout.readline().rstrip("\n") for _ in shown[:-1]]
            process.kill()
            return [*said, "Killed"]
        said = process.communicate("y\n", timeout=60)[0].splitlines()
    assert process.returncode == 0, said
    return said


def goes_as_shown(folder, section):
    for command, shown in commands(section):
        assert run(folder, command, shown) == [line for line in shown if line != "y"], command


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    """The project, with the module of the page in it."""
    (new, shown), (check, _) = commands("A project")
    monkeypatch.chdir(tmp_path)
    assert main(new.split()[1:]) == 0
    assert capsys.readouterr().out.splitlines() == shown
    assert check == CHECK
    (tmp_path / "desk" / "src" / "desk" / "parcels.py").write_text(program(PAGE), encoding="utf-8")
    return tmp_path / "desk"


def test_killed_while_it_waits_for_a_person_it_goes_on_and_asks_nothing_again(desk):
    goes_as_shown(desk, "Killed while it waits for you")


@pytest.mark.long
def test_killed_while_a_tool_runs_it_goes_on_as_the_tool_says(desk):
    goes_as_shown(desk, "Killed while a tool runs")
    goes_as_shown(desk, "The carrier knows it again")
    goes_as_shown(desk, "What happened?")


def test_each_command_of_the_page_is_run_here():
    run_here = {"A project", "Killed while it waits for you", "Killed while a tool runs"}
    run_here |= {"The carrier knows it again", "What happened?"}
    assert {name for name, text in SECTIONS.items() if "```console" in text} == run_here
    assert 'made("new", "desk", "--ai")' in (ROOT / "tests" / "cli" / "test_new.py").read_text()
