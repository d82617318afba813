"""`jido-trio bench`: what it prints and how it ends; never how long anything took."""

import gc
import json
from xml.etree import ElementTree as ET

import pytest

from jido_trio.bench._catalog import BENCHMARKS, SUBJECTS
from jido_trio.cli import _bench, main


@pytest.fixture(scope="module", autouse=True)
def garbage_of_other_tests():
    """Leave out of the collections, of which each turn makes one, what other tests have left."""
    gc.collect()
    gc.freeze()


AGENTS = """
from attrs import frozen
from jido_trio import Action, Agent

@frozen
class Count:
    count: int = 0

class Add(Action):
    amount: int = 1
    def run(self, context):
        return {"count": context.state.count + self.amount}

class Put(Action):
    amount: int
    def run(self, context):
        return {"count": self.amount}

class Explode(Action):
    def run(self, context):
        raise RuntimeError("a bug")

class Counter(Agent[Count], routes={"add": Add, "put": Put, "explode": Explode, "any.*": Add}): ...

class Mute(Agent[Count], routes={"put": Put}): ...

class Kept(Agent[Count], durable=True, routes={"add": Add}): ...
"""


@pytest.fixture
def shop(tmp_path, monkeypatch, request):
    """The name of a module of agents, in the working directory."""
    name = "shop_" + "".join(letter for letter in request.node.name if letter.isalnum())[:40]
    (tmp_path / f"{name}.py").write_text(AGENTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def benched(capsys, *arguments):
    """The exit code, what was printed, and what was complained of."""
    code = main(["bench", "--quick", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_subject_is_measured_beside_bare_trio(capsys):
    code, out, err = benched(capsys, "restart")

    assert code == 0
    assert "restart-agent" in out
    assert "restart-child" in out
    assert "beside task" in out
    assert "x task" in err


def test_without_a_word_all_subjects_are_meant_and_as_json_nothing_else_is_printed(capsys, monkeypatch):
    monkeypatch.setattr(_bench, "SUBJECTS", {"pure": ("cmd",), "restart": ("restart-child", "restart-agent")})
    code, out, err = benched(capsys, "--json")

    assert (code, err) == (0, "")
    assert [each["name"] for each in json.loads(out)["comparisons"]] == ["cmd", "restart-child", "restart-agent"]


def test_every_subject_is_of_benchmarks_that_there_are():
    assert {name for names in SUBJECTS.values() for name in names} <= set(BENCHMARKS)
    assert list(SUBJECTS) == ["restart", "call", "cast", "start", "memory"]


def test_a_benchmark_can_be_named_and_a_wrong_name_is_told_with_the_nearest(capsys):
    assert benched(capsys, "cmd-made")[0] == 0
    code, _, err = benched(capsys, "restrat")
    assert code == 2
    assert "did you mean restart? There are: " in err
    assert "there is no benchmark 'qqq'. There are: " in benched(capsys, "qqq")[2]


def test_the_ratios_are_drawn(capsys, tmp_path):
    assert benched(capsys, "cmd", "--plot", str(tmp_path / "ratios.svg"))[0] == 0
    picture = ET.parse(tmp_path / "ratios.svg")
    assert "cmd / evolve" in [element.text for element in picture.iter()]


def test_an_agent_of_ones_own_is_measured_by_the_signals_that_need_no_data(capsys, shop):
    code, out, err = benched(capsys, "--agent", f"{shop}:Counter", "--json")

    assert (code, err) == (0, "")
    names = [each["name"] for each in json.loads(out)["comparisons"]]
    assert names == ["start", "memory", "restart", "call add", "cast add"]


def test_an_agent_is_told_what_is_asked_for(capsys, shop):
    code, out, _ = benched(capsys, "--agent", f"{shop}:Mute", "--signal", 'put={"amount": 3}', "--json")

    assert code == 0
    assert [each["name"] for each in json.loads(out)["comparisons"]][3:] == ["call put", "cast put"]


def test_a_durable_agent_is_measured_with_a_storage_in_memory(capsys, shop):
    assert benched(capsys, "--agent", f"{shop}:Kept")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--agent", "{shop}:Mute"], "takes no signal without data: say what to send"),
        (["--agent", "{shop}:Counter", "--signal", "put"], "'put': "),
        (["--agent", "{shop}:Counter", "--signal", "nothing"], "no route matches"),
        (["--agent", "{shop}:Counter", "--signal", "explode"], "a bug"),
        (["--agent", "{shop}:Counter", "--signal", "put={"], "neither TYPE nor TYPE=JSON"),
        (["--agent", "{shop}:Nobody"], "is no agent"),
        (["--agent", "{shop}:Counter", "call"], "isn't about --agent"),
        (["--signal", "add"], "give --agent, too"),
        (["compare", "one.json"], "compare takes two files"),
        (["compare", "one.json", "two.json"], "'one.json' can't be read"),
        (["compare", "{shop}.py", "{shop}.py"], "isn't what `jido-trio bench --json` prints"),
        (["--rounds", "0"], "not a whole number from 1 to 1000"),
    ],
)
def test_what_can_not_be_measured_is_told_in_a_line(capsys, shop, arguments, told):
    code, out, err = benched(capsys, *(argument.replace("{shop}", shop) for argument in arguments))

    assert (code, out) == (2, "")
    assert told.replace("'one.json'", "one.json") in err
    assert "Traceback" not in err


def slowed(run, factor):
    for comparison in run["comparisons"]:
        ours = comparison["ours"]
        ours["rounds"] = [factor * time for time in ours["rounds"]]
    return json.dumps(run)


def a_run(capsys, *names):
    _, out, _ = benched(capsys, *names, "--json")
    run = json.loads(out)
    for comparison in run["comparisons"]:
        for measured in (comparison["ours"], *comparison["bare"]):
            measured["rounds"] = [1.0, 1.01, 0.99, 1.02, 1.0, 0.98, 1.01]
    return run


def test_two_runs_are_compared_and_the_exit_code_says_whether_something_is_slower(capsys, tmp_path):
    run = a_run(capsys, "cmd")
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(run))
    after.write_text(slowed(run, 1.5))

    code, out, _ = benched(capsys, "compare", str(before), str(after))
    assert code == 1
    assert "slower" in out
    code, out, _ = benched(capsys, "compare", str(after), str(before), "--json")
    assert (code, [change["verdict"] for change in json.loads(out)]) == (0, ["faster"])


def test_runs_of_other_benchmarks_can_not_be_compared(capsys, tmp_path):
    for name in ("cmd", "cmd-made"):
        (tmp_path / f"{name}.json").write_text(json.dumps(a_run(capsys, name)))

    code, _, err = benched(capsys, "compare", *(str(tmp_path / f"{name}.json") for name in ("cmd", "cmd-made")))
    assert code == 2
    assert "no benchmark in common" in err
