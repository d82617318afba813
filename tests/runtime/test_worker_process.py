"""Actions in worker processes: what takes the process down is a crash of the action, and cancelling kills it."""

import ctypes
import importlib
import os
import signal
import sys
from typing import Any

import pytest
import trio

from jido_trio import Action, Context, Permanent, Result
from jido_trio.core import Policy
from jido_trio.errors import WorkerDied
from jido_trio.extras import MissingExtra
from jido_trio.runtime import run
from jido_trio.runtime._worker_process import portable


async def quits() -> None:
    raise KeyboardInterrupt


class Work(Action, policy=Policy(in_process=True)):
    how: str

    async def run(self, context: Context[Any]) -> Result:
        await trio.lowlevel.checkpoint()
        match self.how:
            case "segfault":
                ctypes.string_at(0)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                sys.exit(3)
            case "exit of a task":
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(quits)
            case "no":
                raise Permanent("no")
        return {"pid": os.getpid(), "said": context["word"], "state": context.state}


class Hang(Work, policy=Policy(in_process=True, timeout=0.5)):
    async def run(self, context: Context[Any]) -> Result:
        await trio.Path(context["file"]).write_text(str(os.getpid()))
        while True:
            pass


class Swell(Work, policy=Policy(in_process=True, memory=2**31)):
    async def run(self, context: Context[Any]) -> Result:
        return {"size": len(bytearray(2**32))}


async def test_an_action_runs_in_another_process_with_its_state_and_context():
    found: Any = await run(Work(how="well"), {"word": "hello"}, state="state")
    assert found["pid"] != os.getpid()
    assert (found["said"], found["state"]) == ("hello", "state")


async def test_a_declared_failure_comes_back_as_it_is():
    with pytest.raises(Permanent, match="no"):
        await run(Work(how="no"), {"word": ""})


@pytest.mark.parametrize("how", ["segfault", "kill"])
async def test_what_kills_the_process_is_a_crash_of_the_action(how):
    with pytest.raises(WorkerDied) as died:
        await run(Work(how=how), {"word": ""})
    assert died.value.action == "work"
    assert "the worker process of action 'work' died" in str(died.value)


@pytest.mark.parametrize(("how", "why"), [("exit", "SystemExit: 3"), ("exit of a task", "KeyboardInterrupt")])
async def test_what_would_end_a_program_ends_the_worker_only(how, why):
    with pytest.raises(WorkerDied, match=why) as died:
        await run(Work(how=how), {"word": ""})
    assert died.value.action == "work"


async def test_too_much_memory_is_an_error_of_the_action():
    with pytest.raises(MemoryError):
        await run(Swell(how=""), {"word": ""})


async def test_a_time_out_kills_the_process(tmp_path):
    from jido_trio.errors import ActionTimedOut

    with pytest.raises(ActionTimedOut):
        await run(Hang(how=""), {"file": str(tmp_path / "pid")})
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr("jido_trio.extras.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"jido-trio\[process\]"):
        await run(Work(how="well"), {"word": ""})
    assert importlib.util.find_spec("trio_parallel")


@pytest.mark.parametrize("tell", [lambda context: context.progress({"page": 1}), lambda context: context.emit("page")])
def test_what_cant_be_told_from_another_process_is_refused_and_says_why(tell):
    nobody: Any = None
    with pytest.raises(RuntimeError, match="in a worker process can't"):
        tell(portable(Context(None, nobody)))
