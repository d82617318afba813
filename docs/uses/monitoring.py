"""System monitoring: watch a machine, repair what can be repaired, and call somebody if that doesn't help.

Two sensors watch: one reads /proc, one runs a check, which may hang. Neither has a `try`: what can't be read crashes
the sensor, and it is begun anew. The monitor is a machine: what is done about trouble is a table.
"""

import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import trio
from attrs import field, frozen

from jido_trio import Action, ActionError, Agent, Context, Emit, Jido, Result, ToAgent
from jido_trio.core import Fsm, FsmState, StartSensor, Transition
from jido_trio.runtime import AgentRef


async def free_memory(proc: str = "/proc", every: float = 5) -> AsyncIterator[Any]:
    """Tell which share of the memory is available."""
    while True:
        text = await trio.Path(proc, "meminfo").read_text()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()}
        share = kilobytes["MemAvailable"] / kilobytes["MemTotal"]
        yield "measured", told("memory", f"{share:.0%} free", well=share > 0.1)
        await trio.sleep(every)


async def check(command: list[str], every: float = 5, limit: float = 2) -> AsyncIterator[Any]:
    """Run a command: 0 is well, anything else isn't, and one that hangs isn't either."""
    while True:
        code = await exit_code(command, limit)
        yield "measured", told("check", "hangs" if code is None else f"exit code {code}", well=code == 0)
        await trio.sleep(every)


def told(what: str, detail: str, *, well: bool) -> dict[str, Any]:
    return {"what": what, "well": well, "detail": detail, "at": trio.current_time()}


async def exit_code(command: list[str], limit: float) -> int | None:
    """Run a command and return its exit code; None if it took too long, and was killed."""
    with trio.move_on_after(limit):
        return (await trio.run_process(command, check=False, capture_stdout=True)).returncode
    return None


@frozen
class Watch:
    trouble: int = 0  # in a row
    last: dict[str, str] = field(factory=dict)
    repaired: float = 0  # what was measured before doesn't count
    playbook: list[list[str]] = field(factory=list)


class Measured(Action):
    what: str
    well: bool
    detail: str
    at: float

    def run(self, context: Context[Watch]) -> Result:
        if self.at < context.state.repaired:
            return None
        return {"last": {self.what: self.detail}}, Emit("well" if self.well else "trouble")


class Trouble(Action):
    def run(self, context: Context[Watch]) -> Result:
        return {"trouble": context.state.trouble + 1}


class Well(Action):
    def run(self, context: Context[Watch]) -> Result:
        return {"trouble": 0}


class AskRepair(Action):
    def run(self, context: Context[Watch]) -> Result:
        return Emit("repair")


class Repair(Action):
    async def run(self, context: Context[Watch]) -> Result:
        for step in context.state.playbook:
            code = await exit_code(step, limit=10)
            if code != 0:
                raise ActionError(f"step {step} {'hangs' if code is None else 'failed'}")
        return {"trouble": 0, "repaired": trio.current_time()}


class CallOperator(Action):
    def run(self, context: Context[Watch]) -> Result:
        return Emit("page", {"known": context.state.last}, dispatch=ToAgent("operator"))


TABLE = Fsm(
    ["well", FsmState("ill", entry=AskRepair), "repaired", FsmState("escalated", entry=CallOperator)],
    [
        Transition("well", Trouble, "ill"),
        Transition(["well", "ill"], Well),
        Transition(["ill", "escalated"], Trouble),
        Transition("ill", Repair, "repaired", on_error="escalated"),
        Transition("repaired", Trouble, "escalated", when=lambda watch, _: watch.trouble >= 2),
        Transition("repaired", Trouble),
        Transition(["repaired", "escalated"], Well, "well"),
    ],
)
ROUTES = {"measured": Measured, "trouble": Trouble, "well": Well, "repair": Repair}


class Monitor(Agent[Watch], strategy=TABLE, routes=ROUTES): ...


@frozen
class Pages:
    known: list[Any] = field(factory=list)


class Page(Action):
    known: dict[str, str]

    def run(self, context: Context[Pages]) -> Result:
        print("operator:", dict(self.known))
        return {"known": [*context.state.known, self.known]}


class Operator(Agent[Pages], routes={"page": Page}): ...


async def watch(jido: Jido, sensors: Sequence[StartSensor], playbook: Sequence[list[str]]) -> AgentRef[Any]:
    """Start an operator, and a monitor with these sensors; return the monitor."""

    class Equipped(Monitor, sensors=sensors): ...

    await jido.start_agent(Operator, id="operator")
    return await jido.start_agent(Equipped, id="monitor", state={"playbook": list(playbook)})


async def main(seconds: float) -> None:
    sensors = [StartSensor("memory", free_memory), StartSensor("check", check, {"command": ["true"]})]
    async with Jido() as jido:
        monitor = await watch(jido, sensors, playbook=[["true"]])
        await trio.sleep(seconds)
        print(monitor.agent.strategy_state.state, dict(monitor.agent.state.last))


if __name__ == "__main__":
    trio.run(main, float(sys.argv[1]) if len(sys.argv) > 1 else 60)
