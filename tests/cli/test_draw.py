"""`jido-trio draw`: an agent as a picture."""

from xml.etree import ElementTree as ET

import pytest

from jido_trio import Action, Context, Result
from jido_trio.cli import main
from jido_trio.core import Plan, Step

MACHINE = "tests.core.test_fsm:OrderAgent"


class Fetch(Action):
    async def run(self, context: Context) -> Result: ...


PLAN = Plan(Step("first", Fetch), Step("then", Fetch, needs="first"))


def test_a_machine_is_drawn_as_its_table(capsys):
    assert main(["draw", MACHINE]) == 0
    assert capsys.readouterr().out.startswith("stateDiagram-v2\n")


def test_another_agent_is_drawn_as_its_routes(capsys):
    assert main(["draw", "tests.runtime.durable:Order"]) == 0
    assert '-->|"add"|' in capsys.readouterr().out


def test_a_plan_is_drawn_as_its_steps(capsys):
    assert main(["draw", "tests.cli.test_draw:PLAN"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "    n0 --> n1"


def test_an_svg_is_written_where_it_is_wanted(tmp_path, capsys):
    path = tmp_path / "machine.svg"
    assert main(["draw", MACHINE, "--svg", str(path)]) == 0
    assert ET.parse(path).getroot().tag.endswith("svg")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("target", ["tests.core.test_fsm", "tests.core.test_fsm:Nobody", "no_such_module:Agent", ":"])
def test_what_is_no_agent_and_no_plan_is_said_in_a_line(target, capsys):
    assert main(["draw", target]) == 2
    assert "Traceback" not in (err := capsys.readouterr().err)
    assert err.startswith("jido-trio: ")
