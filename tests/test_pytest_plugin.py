"""The pytest plugin: what a run that asks for it gets, and that others pay nothing."""

import subprocess
import sys

import pytest

AGENTS = """
from attrs import frozen
from jido_trio import Action, Agent, Context, Emit, Result, ToAgent

@frozen
class Share:
    each: int = 0

@frozen
class Nothing:
    pass

class Split(Action):
    among: int

    def run(self, context: Context[Share]) -> Result:
        return {"each": 100 // self.among}

class Break(Action):
    def run(self, context: Context[Nothing]) -> Result:
        raise RuntimeError("a bug")

class Lose(Action):
    def run(self, context: Context[Nothing]) -> Result:
        return {}, Emit("lost", dispatch=ToAgent("nobody"))

class Splitter(Agent[Share], routes={"split": Split}): ...

class Fragile(Agent[Nothing], routes={"break": Break, "lose": Lose}): ...
"""


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    pytester.makepyfile(plugged_agents=AGENTS)
    pytester.makeini("[pytest]\ntrio_mode = true\nfilterwarnings = error")
    return pytester


def run(project, *words):
    return project.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", *words)


def run_here(project, *words):
    """Run it in this very process, which is quicker; for runs that come to no test."""
    return project.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *words)


def test_each_law_is_a_test_and_a_broken_one_shows_the_counterexample(project):
    laws = ("--jido-conformance", "plugged_agents:Splitter", "--jido-examples", "10", "-k", "total or own or closed")
    ran = run(project, *laws)
    ran.assert_outcomes(passed=1, failed=1, skipped=1, deselected=7)
    ran.stdout.fnmatch_lines(["*agent.cmd(Split(among=0))*", "*FAILED plugged_agents:Splitter::total*"])


def test_laws_are_counted_among_the_tests(project):
    ran = run_here(project, "--jido-conformance", "plugged_agents:Splitter", "--collect-only", "-k", "total")
    ran.stdout.fnmatch_lines(["*plugged_agents:Splitter*", "*1/10 tests collected (9 deselected)*"])


def test_an_agent_that_can_not_be_checked_is_said_plainly(project):
    ran = run_here(project, "--jido-conformance", "plugged_agents:Nobody")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["*--jido-conformance plugged_agents:Nobody: module plugged_agents has no 'Nobody'*"])


def test_an_instance_in_virtual_time_is_a_fixture(project):
    project.makepyfile("""
        import trio
        from jido_trio import Signal
        from plugged_agents import Splitter

        async def test_it_lives(jido, autojump_clock):
            began = trio.current_time()
            agent = await jido.start_agent(Splitter)
            assert (await agent.call(Signal("split", {"among": 4}))).state.each == 25
            await trio.sleep(3600)
            assert trio.current_time() - began >= 3600

        async def test_it_lives_in_real_time(jido):
            pass
    """)
    ran = run(project)
    ran.assert_outcomes(passed=1, failed=1)
    ran.stdout.fnmatch_lines(["*have the test ask for `autojump_clock`, too*"])


CRASHES = """
    import trio
    from jido_trio import AgentCrashed, Signal
    from plugged_agents import Fragile

    async def story(jido):
        agent = await jido.start_agent(Fragile, id="fragile")
        agent.cast_nowait(Signal("break"))
        agent.cast_nowait(Signal("lose"))
        await trio.sleep(1)

    async def test_unclaimed(jido, autojump_clock):
        await story(jido)

    async def test_claimed(jido, jido_heard, autojump_clock):
        await story(jido)
        assert len(jido_heard.crashes("a bug", child="fragile")) == 1
        assert {letter.signal.type for letter in jido_heard.dead_letters()} == {"break", "lost"}
        assert jido_heard.crashes() == []

    def test_simulated_and_unclaimed(simulated):
        simulated(story)

    def test_simulated_and_claimed(simulated, jido_heard):
        simulated(story).result()
        assert len(jido_heard.crashes()) == 1
        assert len(jido_heard.dead_letters("lost", agent_id="nobody")) == 1
        assert len(jido_heard.dead_letters("break")) == 1
"""


def test_what_nobody_claims_fails_the_test_that_caused_it(project):
    project.makepyfile(CRASHES)
    ran = run(project, "--tb=short")
    ran.assert_outcomes(passed=2, failed=2)
    ran.stdout.fnmatch_lines(
        ["*crash: child 'fragile'*RuntimeError: a bug*", "*dead letter: *'lost'*", "*claims them*"]
    )


OWN = """
    import pytest
    import trio
    import trio.testing
    from jido_trio import Jido
    from jido_trio.supervision import Child, open_supervisor

    async def crash():
        await trio.sleep(1)
        raise ValueError("quietly")

    async def quietly():
        async with open_supervisor([Child("c", crash, restart="temporary")]):
            await trio.sleep(2)

    async def test_quietly(autojump_clock):
        await quietly()

    @pytest.fixture
    def something():
        trio.run(quietly, clock=trio.testing.MockClock(autojump_threshold=0))
        yield
        trio.run(quietly, clock=trio.testing.MockClock(autojump_threshold=0))

    def test_claims_what_crashed_before(something, jido_heard):
        assert len(jido_heard.crashes()) == 1
"""


@pytest.mark.parametrize(
    ("ini", "outcome"),
    [("", {"passed": 2, "errors": 1}), ("jido_unclaimed = fail", {"passed": 1, "failed": 1, "errors": 1})],
)
def test_all_tests_are_held_to_it_if_the_project_says_so(project, ini, outcome):
    project.makeini(f"[pytest]\ntrio_mode = true\n{ini}")
    project.makepyfile(OWN)
    run(project).assert_outcomes(**outcome)


def test_a_test_that_hangs_fails_with_the_stacks_of_all_tasks(project):
    project.makepyfile("""
        import threading
        import pytest
        import trio

        async def waits_for_ever():
            await trio.Event().wait()

        async def test_hangs(autojump_clock):
            await waits_for_ever()

        @pytest.fixture
        def server():
            threading.Event().wait()

        def test_of_a_server(server):
            pass

        def test_afterwards():
            pass
    """)
    ran = run(project, "--jido-time-limit", "1")
    ran.assert_outcomes(passed=1, failed=1, errors=1)
    ran.stdout.fnmatch_lines(["*threading.Event().wait()*", "*in waits_for_ever*"])


@pytest.mark.parametrize(
    ("ini", "why"),
    [("jido_unclaimed = maybe", "write 'fail', or nothing"), ("jido_time_limit = soon", "give seconds, above 0")],
)
def test_an_option_that_means_nothing_is_refused(project, ini, why):
    project.makeini(f"[pytest]\n{ini}")
    project.makepyfile("def test_it(): pass")
    ran = run_here(project)
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines([f"*{why}*"])


def test_no_trials_at_all_are_refused(project):
    ran = run_here(project, "--jido-conformance", "plugged_agents:Splitter", "--jido-examples", "0")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["*--jido-examples 0: give a whole number, 1 or more*"])


def test_a_run_that_asks_for_nothing_imports_nothing(tmp_path):
    (tmp_path / "test_plain.py").write_text("""
import sys

def test_nothing_of_ours_is_there():
    ours = {name for name in sys.modules if name.startswith("jido_trio")}
    assert ours <= {"jido_trio", "jido_trio.pytest_plugin"}, ours
""")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_plain.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "1 passed" in done.stdout, done.stdout
