"""Scenarios, traces and differences as text for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from attrs import fields

from properties.otp._canonical import Difference
from properties.otp._codec import Recording, step_line
from properties.otp._compare import Mismatch
from properties.otp._scenario import Batch, Child, Step, Supervisor
from properties.otp._trace import Event, Final, Row, TraceStep


def show_mismatch(mismatch: Mismatch) -> str:
    """Return the tree, the steps up to the first difference, and every difference."""
    recording = mismatch.recording
    last = mismatch.differences[0].step
    lines = [
        f"{mismatch.engine} differs from Erlang/OTP in {recording.scenario.id} ({', '.join(recording.scenario.tags)})",
        *(f"  {line}" for line in tree_lines(recording.scenario.tree)),
        *(f"  {line}" for line in step_lines(recording.scenario.steps, upto=last)),
        *(f"  {line}" for difference in mismatch.differences for line in difference_lines(difference)),
    ]
    return "\n".join(lines)


def show_recording(recording: Recording) -> str:
    """Return the tree, and each step with what it answered and caused."""
    lines = [recording.scenario.id, *tree_lines(recording.scenario.tree)]
    if recording.scenario.phase_ms:
        lines.append(f"the clock starts {recording.scenario.phase_ms} ms into a second")
    done: Sequence[Step | None] = (None, *recording.scenario.steps)
    for at, (step, got) in enumerate(zip(done, recording.trace.steps, strict=False)):
        lines += [f"{at:3} {_step(step)}", *_outcome(got)]
    return "\n".join([*lines, f"final: {_plainly(recording.trace.final)}"])


def tree_lines(spec: Child, indent: int = 0, name: str = "root") -> Iterator[str]:
    """Yield a line for each supervisor and worker, indented by depth."""
    said = [f"{at.name}={value}" for at in fields(type(spec)) if _shown(at.name, value := getattr(spec, at.name))]
    kind = spec.strategy if isinstance(spec, Supervisor) else "worker"
    yield "  " * indent + " ".join((spec.id or name, kind, *said))
    if isinstance(spec, Supervisor):
        if spec.template is not None:
            yield from tree_lines(spec.template, indent + 1, "template")
        for child in spec.children or ():
            yield from tree_lines(child, indent + 1, "(no id)")


def _shown(name: str, value: object) -> bool:
    return value is not None and name not in {"id", "strategy", "children", "template"}


def step_lines(steps: Sequence[Step], upto: int) -> Iterator[str]:
    """Yield a numbered line for each step (a batch: for each item) up to the one that differed."""
    for at, step in enumerate((None, *steps)):
        if at > upto:
            yield f"    … {len(steps) - upto} more"
            return
        yield f"{'>' if at == upto else ' '}{at:3} {_step(step)}"
        if isinstance(step, Batch):
            yield from (f"       - {_step(item)}" for item in step.items)


def difference_lines(difference: Difference) -> Iterator[str]:
    """Yield what was expected and what came, one below the other."""
    yield f"step {difference.step} ({difference.op}), {difference.field}:"
    yield f"  expected {_plainly(difference.expected)}"
    yield f"  actual   {_plainly(difference.actual)}"


def _step(step: Step | None) -> str:
    if step is None:
        return "start"
    if isinstance(step, Batch):
        return f"batch {step.sup}, {len(step.items)} items"
    return step_line(step)


def _outcome(got: TraceStep) -> Iterator[str]:
    yield f"      -> {_plainly(got.result)}"
    if got.events:
        yield f"      {_plainly(got.events)}"
    for path, rows in got.state.items():
        yield f"      {path}: {_plainly(rows)}"


def _plainly(value: object) -> str:
    match value:
        case Event(what, path, n, exit_class):
            return " ".join(filter(None, (what, f"{path}#{n}", exit_class)))
        case Row(id_, status, n):
            return f"{id_} {status}" + (f"#{n}" if n is not None else "")
        case Final(root, reason, skipped):
            return root if reason is None else f"{root} of {reason}, {skipped} steps skipped"
        case tuple():
            return ", ".join(map(_plainly, value)) or "nothing"
        case dict() if all(isinstance(rows, tuple) for rows in value.values()):
            return "; ".join(f"{path}: {_plainly(rows)}" for path, rows in value.items()) or "nobody"
        case str() | None | list() | dict() | int():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)
