"""The laws of agents: what they find, whom they leave alone, and what they tell."""

import datetime as dt
import importlib
import io
import json
import signal
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import evolve, frozen

from jido_trio import Action, Agent, Context, Result, Signal
from jido_trio.cli import _laws, _progress, main
from jido_trio.errors import InvalidDefinition
from jido_trio.testing import NAMES, Conformance, _walk, check_agent, conformance, subject_of, subjects, told_verdict
from jido_trio.testing._bench import Bench, How
from jido_trio.testing._bounded import are_steep, is_steep
from jido_trio.testing._code import code_of
from jido_trio.testing._conformance import judged
from jido_trio.testing._told import told
from jido_trio.testing._walk import Trial
from jido_trio.world import seeded, using
from properties.conformance import correct, defects
from tests.testing import guarded


def defective(name: str) -> Any:
    """Return an agent class by its name: they are made, so type checkers don't know them."""
    return getattr(defects, name)


QUICK = How(examples=25)
PLANTED = [(cls, law) for cls, laws in defects.DEFECTS.items() for law in sorted(laws)]
EACH_TIME = 5
"""Of the planted defects one in so many is looked for each time, of the long campaign all."""
ODD_ONES = ["ImportsLate", "HasHooks", "IsDurable"]
MORE_ODD_ONES = [
    "AsksForAZone",
    "ReadsExpressions",
    "DerivesIds",
    "PrintsIntoAText",
    "GoesByATable",
    "Caches",
    "SortsItsSets",
    "HoldsWhatItsClassMayRefuse",
    "AddsFloatsInOrder",
    "CountsMoney",
    "HoldsNaN",
    "ParsesDays",
    "KeepsPaths",
    "HasAGenericState",
    "ComparesTimesWithAZone",
    "RemembersWhatItWorkedOut",
    "IsToldMoreByItsRoute",
    "AddsDecimals",
    "HoldsWhatCanNotBeCopied",
    "HoldsWhatCanNotBeRead",
    "CachesByAllThatCounts",
    "DropsTheOldestWhenFull",
    "RoundsHundredths",
    "HushesWarningsForAMoment",
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench([correct.__name__, defects.__name__]) as processes:
        yield processes


@pytest.mark.parametrize(
    ("cls", "law"),
    [
        pytest.param(cls, law, id=f"{cls.__name__}-{law}", marks=[pytest.mark.long] if at % EACH_TIME else [])
        for at, (cls, law) in enumerate(PLANTED)
    ],
)
def test_a_planted_defect_is_found(bench, cls, law):
    verdict = judged(bench, subject_of(cls), law, QUICK)
    assert verdict.outcome == "broken"
    compile(verdict.code, "counterexample", "exec")


@pytest.mark.parametrize("name", [*ODD_ONES, *(pytest.param(name, marks=pytest.mark.long) for name in MORE_ODD_ONES)])
def test_an_agent_without_a_defect_is_left_alone(bench, name):
    subject = subject_of(getattr(correct, name))
    broken = [verdict for law in NAMES if (verdict := judged(bench, subject, law, QUICK)).outcome == "broken"]
    assert broken == []


def test_a_counterexample_is_code_that_can_be_pasted_and_does_it(bench):
    verdict = judged(bench, subject_of(defective("WithDivides")), "total", QUICK)
    with pytest.raises(ZeroDivisionError):
        exec(verdict.code, {})


def test_a_counterexample_is_as_small_as_it_can_be(bench):
    verdict = judged(bench, subject_of(defective("WithGoesPastSeven")), "invariant", QUICK)
    assert verdict.code.count(".cmd(") == 8


def test_it_is_told_whether_commands_lead_to_the_state_of_a_counterexample(bench):
    verdict = judged(bench, subject_of(defective("WithDivides")), "total", QUICK)
    assert verdict.reachable is True
    assert "a state that commands lead to" in told_verdict(verdict)


def test_what_was_done_is_told_with_the_line(bench):
    verdict = judged(bench, subject_of(defective("WithPrints")), "pure", QUICK)
    assert verdict.why.startswith("writes to the output, defects.py:")


def test_an_agent_that_ends_its_process_ends_no_other(bench):
    verdict = judged(bench, subject_of(defective("WithEndsItsProcess")), "total", QUICK)
    assert verdict.why == "it ends its process, with 3"
    assert judged(bench, subject_of(correct.Plain), "total", QUICK).outcome == "holds"


def test_an_agent_that_goes_as_deep_as_there_are_items_is_told_at_how_many_it_fails(bench):
    verdict = judged(bench, subject_of(defective("WithGoesAsDeepAsThereAreItems")), "bounded", QUICK)
    told = "GoesAsDeepAsThereAreItems raises at 1024 items in items, and not at 8: RecursionError"
    assert verdict.why.startswith(told)
    assert "agent = WithGoesAsDeepAsThereAreItems.new('a', {'items': list(range(4096))})\n" in verdict.code


def test_who_looks_for_an_option_that_nobody_gave_is_told(bench):
    verdict = judged(bench, subject_of(defective("WithLooksForAnOptionOfItsCommand")), "pure", QUICK)
    assert verdict.why.startswith("looks at the command line (sys.argv), defects.py:")


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
def test_agents_in_any_state_are_tried_in_many(bench, seed):
    subject, how = subject_of(correct.Plain), How(examples=100, seed=seed)
    assert judged(bench, subject, "total", how).outcome == "holds"
    assert len({told(trial.agent.state) for trial in bench.searched(subject, how, reachable=False)}) > 15


def test_the_same_trial_is_counted_once_whatever_order_its_sets_have(bench):
    before, signal = bench.trials, Signal("plus")
    for numbers in (0, 8), (8, 0):  # so they are gone through, in any process
        step = evolve(signal, data={"by": frozenset(numbers)})
        bench.here(Trial(correct.Plain.new("sets"), (step,)))
    assert bench.trials == before + 1


def test_a_value_that_was_made_past_its_validator_is_told(bench):
    verdict = judged(bench, subject_of(defective("WithGoesAroundAValidator")), "closed", QUICK)
    assert (verdict.outcome, verdict.why) == ("broken", "ValueError: 'cents' must be >= 0: -1")


def test_a_law_that_does_not_concern_an_agent_says_why(bench):
    verdict = judged(bench, subject_of(correct.Plain), "serialisable", QUICK)
    assert (verdict.outcome, verdict.why) == ("skipped", "the agent isn't declared durable")


def test_lists_are_not_tried_on_an_agent_with_a_cmd_of_its_own_and_that_is_said(bench):
    class Commanding(correct.Plain):
        def cmd(self, *args: Any, **options: Any) -> Any:
            return super().cmd(*args, **options)

    verdict = judged(bench, subject_of(Commanding), "sequential", QUICK)
    assert (verdict.outcome, verdict.why) == ("skipped", "its cmd is one of its own")


def test_what_is_refused_as_it_does_not_fit_breaks_nothing_and_is_told_with_how_to_see_it():
    [verdict] = conformance(guarded.Spender, laws=["closed"], examples=20).verdicts
    assert verdict.outcome == "holds"
    assert verdict.why == "but what 'spend' returns is refused: 'cents' must be >= 0: -1 @ cents"
    there: dict[str, Any] = {}
    exec(verdict.code, there)
    assert [str(one.error) for one in there["directives"]] == [
        "result of action 'spend' doesn't fit: 'cents' must be >= 0: -1 @ cents"
    ]
    assert verdict.why in told_verdict(verdict)
    assert "    after, directives = agent." in told_verdict(verdict)


@frozen
class Ticket:
    status: Literal["open", "closed"] = "open"
    times: int = 0


class Reopen(Action):
    def run(self, context: Context[Ticket]) -> Result:
        return {"status": "opened"} if context.state.times > 99 else None


class Desk(Agent[Ticket], routes={"reopen": Reopen}): ...


def test_what_is_refused_only_in_a_state_that_no_command_leads_to_is_told_with_that():
    [verdict] = conformance(Desk, laws=["closed"], examples=40).verdicts
    assert verdict.outcome == "holds"
    assert verdict.why.startswith("but what 'reopen' returns is refused: ")
    assert verdict.why.endswith("got 'opened' @ status, in a state that the types allow")
    there: dict[str, Any] = {}
    exec(verdict.code, there)
    assert "opened" in str(there["directives"][0].error)


def test_seconds_that_grow_with_the_square_of_the_size_are_steep_and_those_in_proportion_are_not():
    assert is_steep([0.01, 0.04, 0.16])
    assert not is_steep([0.01, 0.02, 0.04])
    assert not is_steep([0.0001, 0.0004, 0.0016])  # too quick to tell


@pytest.mark.parametrize(
    ("rounds", "steep"),
    [
        ([[0.010, 0.021, 0.083], [0.010, 0.041, 0.160], [0.010, 0.040, 0.157], [0.010, 0.041, 0.158]], True),
        ([[0.005, 0.022, 0.090], [0.010, 0.021, 0.160], [0.010, 0.022, 0.150], [0.009, 0.023, 0.160]], True),
        ([[0.005, 0.020, 0.040], [0.010, 0.020, 0.040], [0.005, 0.020, 0.040], [0.005, 0.010, 0.040]], False),
    ],
    ids=["the smallest was never measured at full speed", "the least of each is", "one step is steep, and never both"],
)
def test_a_square_is_steep_also_on_a_machine_that_is_slow_at_times(rounds, steep):
    assert are_steep(rounds) is steep


def test_the_same_seed_finds_the_same(bench):
    first, second = (judged(bench, subject_of(defective("WithDivides")), "total", QUICK) for _ in range(2))
    assert first == second


def test_a_failure_is_kept_and_tried_first(bench, tmp_path):
    kept = str(tmp_path / "kept")
    agent = defective("WithRefusesWithTheWrongError")
    [first] = conformance(agent, laws=["total"], examples=60, kept=kept).verdicts
    again = judged(bench, subject_of(agent), "total", How(examples=1, seed=7, kept=kept))
    forgotten = judged(bench, subject_of(agent), "total", How(examples=1, seed=7))
    assert (first.outcome, again, forgotten.outcome) == ("broken", first, "holds")
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_check_agent_fails_with_the_counterexample():
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        check_agent(defective("WithDivides"), laws=["total"], examples=20)


def test_check_agent_says_nothing_of_an_agent_that_obeys():
    check_agent(correct.Plain, laws=["total", "closed"], examples=10)


def test_what_is_no_agent_is_refused():
    with pytest.raises(InvalidDefinition, match="is no agent class"):
        conformance(int)  # type: ignore[arg-type]


def test_an_agent_of_the_program_itself_is_refused_as_no_other_process_can_import_it(monkeypatch):
    source = Path(guarded.__file__).read_text(encoding="utf-8")
    program = types.ModuleType("as_main")
    monkeypatch.setitem(sys.modules, "as_main", program)
    exec(compile(source, "as_main.py", "exec"), program.__dict__)
    with pytest.raises(
        InvalidDefinition, match=r"'as_main:Spender' can't be handed to the process .* at the top of a module"
    ):
        check_agent(program.Spender, laws=["total"])


def test_a_law_that_there_is_not_is_refused():
    with pytest.raises(InvalidDefinition, match="there is no law 'kind': choose from total, deterministic"):
        conformance(correct.Plain, laws=["kind"])


def test_a_module_stands_for_all_its_agents():
    assert [subject.cls for subject in subjects(correct.__name__)] == correct.CORRECT


CHILD = "class Child(Agent): ...\n"
COUNTER = """
@frozen
class Count:
    n: int = 0

class Add(Action):
    def run(self, context: Context[Count]) -> Result:
        return {"n": context.state.n + 1}

class Counter(Agent[Count]): ...
"""


def test_a_module_stands_for_its_agents_that_can_be_told_something(monkeypatch, tmp_path):
    (tmp_path / "with_a_child.py").write_text(f"from attrs import frozen\nfrom jido_trio import *\n{CHILD}{COUNTER}")
    (tmp_path / "only_a_child.py").write_text(f"from jido_trio import Agent\n{CHILD}")
    monkeypatch.syspath_prepend(tmp_path)
    assert [subject.name for subject in subjects("with_a_child")] == ["with_a_child:Counter"]
    for target in ("only_a_child", "with_a_child:Child"):
        with pytest.raises(InvalidDefinition, match="can't be told anything"):
            subjects(target)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("no_such_module_anywhere", "can't be imported"),
        ("json", "json has no agent"),
        ("json:nothing", "has no 'nothing'"),
        ("json:dumps", "is no agent class"),
    ],
)
def test_what_can_not_be_checked_is_said_plainly(target, why):
    with pytest.raises(InvalidDefinition, match=why):
        subjects(target)


def run(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "jido_trio", "check", *words], capture_output=True, text=True, cwd=cwd, check=False
    )


AGENT = """
from attrs import frozen
from jido_trio import Action, Agent, Context, Result

@frozen
class Share:
    each: int = 0

class Split(Action):
    among: int

    def run(self, context: Context[Share]) -> Result:
        return {"each": 100 // self.among}

class Splitter(Agent[Share], routes={"split": Split}): ...
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "shares.py").write_text(AGENT)
    return tmp_path


def test_the_command_ends_with_1_if_a_law_is_broken_and_shows_the_counterexample(project):
    done = run("shares:Splitter", "--law", "total", "--examples", "30", cwd=project)
    assert done.returncode == 1
    assert "agent = Splitter.new('a')\n    after, directives = agent.cmd(Split(among=0))\n" in done.stdout


def test_the_command_ends_with_0_if_none_is(project, monkeypatch, capsys):
    assert checked(project, monkeypatch, ".", "--law", "pure", "--examples", "10") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("no law is broken, in ")


def test_the_command_ends_with_2_if_it_can_not_be_checked(project, monkeypatch, capsys):
    assert checked(project, monkeypatch, "shares:Share") == 2
    assert "is no agent class" in capsys.readouterr().err


def test_the_command_tells_a_machine_all(project, monkeypatch, capsys):
    checked(project, monkeypatch, "--all", "--law", "total", "--examples", "30", "--json")
    [report] = json.loads(capsys.readouterr().out)
    assert (report["agent"], report["holds"]) == ("shares:Splitter", False)
    assert report["laws"][0]["outcome"] == "broken"


MODULES = {
    "leaves": "raise SystemExit(0)",
    "torn": "class Agent(:",
    "bare": "x = 1",
    "gone": f"{AGENT}\nimport os; os._exit(0)",
    "crashes": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("leaves:Splitter", "'leaves' can't be imported: it ends the program, SystemExit: 0"),
        ("torn", "'torn' can't be imported: SyntaxError: invalid syntax (torn.py, line 1)"),
        ("bare.py", "bare has no agent, plugin or action"),
        ("gone:Splitter", "'gone:Splitter' can't be imported: it ends the process, with 0"),
        ("crashes", "'crashes' can't be imported: it ends the process, by SIGKILL"),
        (":Splitter", "':Splitter' names no module: say module:Agent"),
        ("", "'' names no module: say module:Agent"),
    ],
)
def test_whatever_can_not_be_checked_ends_with_2_and_is_named(project, monkeypatch, capsys, target, why):
    for name, text in MODULES.items():
        (project / f"{name}.py").write_text(text)
    assert checked(project, monkeypatch, target) == 2
    assert capsys.readouterr().err == f"jido-trio: {why}\n"


def test_a_file_is_its_module_whatever_its_name(project, monkeypatch, capsys):
    (project / "my-shares.py").write_text(AGENT)
    assert checked(project, monkeypatch, "my-shares.py:Splitter", "--law", "own") == 0
    assert capsys.readouterr().out.splitlines()[0] == "my-shares:Splitter"


def test_modules_of_a_folder_without_agents_are_passed_over(project, monkeypatch, capsys):
    (project / "other.py").write_text('"""Of a jido_trio."""\n\nclass AgentOfAnother: ...\n')
    (project / "__main__.py").write_text(AGENT + "\nraise SystemExit(1)\n")
    assert checked(project, monkeypatch, ".", "--law", "own") == 0
    assert capsys.readouterr().out.splitlines()[0] == "shares:Splitter"


def test_what_a_module_prints_when_it_is_imported_stands_in_no_document(project, monkeypatch, capsys):
    (project / "loud.py").write_text(AGENT + "\nprint('hello')\n")
    assert checked(project, monkeypatch, "loud:Splitter", "--law", "own", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)[0]["agent"] == "loud:Splitter"
    assert err == "hello\n"


def test_what_of_a_folder_can_not_be_imported_is_named_and_the_rest_is_checked(project, monkeypatch, capsys):
    (project / "torn.py").write_text("import jido_trio\n\nclass MyAgent(:")
    assert checked(project, monkeypatch, "--all", "--law", "own") == 2
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "shares:Splitter"
    assert err.startswith("jido-trio: 'torn' can't be imported: SyntaxError")


def test_a_module_that_hangs_when_it_is_imported_is_named(project, monkeypatch, capsys):
    (project / "other.py").write_text("import threading\nthreading.Event().wait(1000)")
    monkeypatch.setattr(_laws, "IMPORT", 0.3)  # while it waits, not while Python still looks for it
    assert checked(project, monkeypatch, "other:Splitter") == 2
    assert "'other:Splitter' can't be imported: it takes longer than 0.3 s" in capsys.readouterr().err


def test_a_module_that_ends_the_process_only_where_it_would_be_tried_is_named(project, monkeypatch, capsys):
    (project / "other.py").write_text(f"import os, sys\nif sys.argv[0] == 'trial': os._exit(0)\n{AGENT}")
    assert checked(project, monkeypatch, "other:Splitter", "--forget") == 2
    assert "'other:Splitter' can't be imported where it would be tried" in capsys.readouterr().err


def test_no_alarm_of_others_can_come_while_it_changes_hands(project, monkeypatch):
    armed: list[bool] = []
    real = signal.signal

    def noting(number: int, handler: Any) -> Any:
        armed.append(signal.getitimer(signal.ITIMER_REAL)[0] > 0)
        return real(number, handler)

    before = signal.setitimer(signal.ITIMER_REAL, 600)
    try:
        monkeypatch.setattr(signal, "signal", noting)
        monkeypatch.setattr(_laws, "conformance", lambda subject, **_: Conformance(subject.name, (), trials=1))
        assert checked(project, monkeypatch, "shares:Splitter") == 0
        assert armed == [False, False]
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 500
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_minutes_are_spent_on_more_and_longer_trials_with_other_seeds(project, monkeypatch, capsys):
    rounds = []

    def tried(subject: Any, *, examples: int, seed: int, steps: int, until: dt.datetime, **_: object) -> Conformance:
        rounds.append((seed, examples, steps))
        while seed == 6 and world.now() < until:  # the last one takes all that is left
            pass
        return Conformance(subject.name, (), trials=examples)

    monkeypatch.setattr(_laws, "conformance", tried)
    with using(seeded(0)) as world:
        assert checked(project, monkeypatch, "shares:Splitter", "--minutes", "0.001", "--seed", "5") == 0
    assert rounds == [(5, 100, 12), (6, 200, 24)]
    assert capsys.readouterr().out.splitlines() == [
        "shares:Splitter, seed 5",
        "shares:Splitter, seed 6: 200 trials of up to 24 steps",
        "no law is broken, in 300 trials",
    ]


def test_no_trial_begins_after_its_time_and_a_law_that_had_none_says_so(bench):
    over = How(until=dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
    before = bench.trials
    verdicts = [judged(bench, subject_of(correct.IsDurable), law, over) for law in ("total", "bounded")]
    assert [(one.outcome, one.why) for one in verdicts] == [("skipped", "there was no time left")] * 2
    assert bench.trials == before


def checked(project: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Return how the command ends in this very process, which is quicker; nothing that it imports stays."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("shares", "loud", "my-shares", "other", *MODULES):
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    return main(["check", *words])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_tells_how_many_trials_there_were_until_a_law_is_known(project, monkeypatch, capsys):
    monkeypatch.setattr(_progress, "PATIENCE", dt.timedelta())
    monkeypatch.setattr(_progress, "EVERY", dt.timedelta())
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert checked(project, monkeypatch, "shares:Splitter", "--law", "pure", "--examples", "10") == 0
    assert "\r\x1b[K  trial 3\r\x1b[K" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert "trial 3" not in capsys.readouterr().out


def test_notes_of_an_agent_that_works_long_are_no_reason_to_accuse_it(monkeypatch):
    monkeypatch.setattr(_walk, "_ENOUGH", -1.0)
    assert _walk.walk(_walk.Trial(correct.Plain.new("a"), (correct.Plus(),) * 12)) == _walk.Walk()


def test_a_counterexample_imports_what_it_names_from_where_anybody_may():
    day = dt.date(2024, 2, 29)
    told = code_of(
        _walk.Trial(correct.Plain.new("a"), (Signal("plus", {"at": day, "path": Path("a")}), correct.Plus()))
    )
    lines = told.splitlines()
    assert {"import datetime", "from jido_trio.core import Signal"} < set(lines)
    exec(told, {})


def test_the_catalogues_are_as_large_as_the_page_says():
    assert len(defects.DEFECTS) >= 143
    assert len(correct.CORRECT) >= 55
