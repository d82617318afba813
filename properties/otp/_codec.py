"""Scenarios and traces as lines of JSON, and back; a misfit names its file, its line and its field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar, Union, get_args

from attrs import NOTHING, AttrsInstance, astuple, fields, frozen, resolve_types
from cattrs import BaseValidationError, Converter, ForbiddenExtraKeysError, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.v import format_exception

from properties.otp._scenario import Child, Item, Meanwhile, Scenario, Step, Supervisor, Worker
from properties.otp._trace import Event, Json, Row, Trace, TraceStep

T = TypeVar("T")


class BadLine(ValueError):
    """A line that holds no scenario, trace or recording."""


@frozen
class Recording:
    """A scenario, and what a real Erlang/OTP did with it."""

    scenario: Scenario
    trace: Trace


def read_recordings(path: Path) -> Iterator[Recording]:
    """Yield the recordings of a file, one `{"scenario": …, "trace": …}` a line."""
    for where, data in _lines(path):
        if "scenario" not in data or "trace" not in data:
            raise BadLine(f"{where}: {_lone(data)}")
        yield _structure(data, Recording, where)


def _lone(data: dict[str, Json]) -> str:
    if "tree" in data:
        return "a bare scenario; let a real Erlang/OTP record it: python -m properties.otp run FILE"
    found = "a bare trace" if "final" in data else f"an object of {', '.join(sorted(data)) or 'nothing'}"
    return f'{found}; put it beside its scenario: {{"scenario": …, "trace": …}}'


def read_scenarios(path: Path) -> Iterator[Scenario]:
    """Yield the scenarios of a file, whose lines are scenarios or recordings."""
    for where, data in _lines(path):
        if "final" in data:
            raise BadLine(f"{where}: a bare trace; a scenario has a `tree` and `steps`")
        yield _structure(data.get("scenario", data), Scenario, where)


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Json]]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"{path}, line {number}", _parse(line, f"{path}, line {number}")


def _parse(line: str, where: str) -> dict[str, Json]:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadLine(f"{where}: not JSON: {error}") from None
    if not isinstance(data, dict):
        raise BadLine(f"{where}: {type(data).__name__} instead of an object")
    return data


def _structure(data: object, kind: type[T], where: str) -> T:
    try:
        return _converter.structure(data, kind)
    except (BaseValidationError, TypeError, ValueError) as error:
        raise BadLine(f"{where}: " + "; ".join(transform_error(error, kind.__name__.lower(), _explain))) from None


def scenario_line(scenario: Scenario) -> str:
    """Return the scenario as one line of JSON, without what it leaves to OTP's defaults."""
    return _dump(scenario)


def _explain(error: BaseException, kind: type | None) -> str:
    """Say our own words where there are some; cattrs' for a field that is missing or too many."""
    if isinstance(error, KeyError | ForbiddenExtraKeysError):
        return format_exception(error, kind)
    return str(error)


def step_line(step: Step) -> str:
    """Return one step as JSON."""
    return _dump(step)


def recording_line(recording: Recording) -> str:
    """Return the recording as one line of JSON, as the corpus holds it."""
    return _dump(recording)


def parse_trace(line: str, where: str = "trace") -> Trace:
    """Return the trace that a line of the oracle holds."""
    return _structure(_parse(line, where), Trace, where)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write the lines to `path`, replacing it."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _dump(value: object) -> str:
    return json.dumps(_converter.unstructure(value), separators=(",", ":"), ensure_ascii=False)


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, omit_if_default=True)
    for primitive in (int, str, bool):
        converter.register_structure_hook(primitive, _exactly)
    for choice in ((int, None), (str, None), (bool, None), (int, str, None), (bool, str, None)):
        converter.register_structure_hook(Union[choice], _one_of(*choice))  # noqa: UP007 - `|` takes no tuple
    specs: Mapping[str, type[AttrsInstance]] = {"worker": Worker, "supervisor": Supervisor}
    ops: Mapping[str, type[AttrsInstance]] = {kind.op: kind for kind in get_args(Step)}
    calls = {op: kind for op, kind in ops.items() if kind in get_args(Item)}
    for key, kinds in (("kind", specs), ("op", ops)):
        for tag, kind in kinds.items():
            _tag(converter, kind, key, tag)
    converter.register_structure_hook(Child, _tagged(converter, "kind", specs, default="worker"))
    converter.register_structure_hook(Step, _tagged(converter, "op", ops))
    converter.register_structure_hook(Item, _tagged(converter, "op", calls))
    some = {op: kind for op, kind in ops.items() if kind in get_args(Meanwhile)}
    converter.register_structure_hook(Meanwhile, _tagged(converter, "op", some))
    for row in (Event, Row):
        _as_list(converter, row)
    as_is = override(struct_hook=lambda value, _: value, unstruct_hook=lambda value: value)
    step = make_dict_structure_fn(TraceStep, converter, _cattrs_forbid_extra_keys=True, result=as_is)
    converter.register_structure_hook(TraceStep, step)
    converter.register_unstructure_hook(TraceStep, make_dict_unstructure_fn(TraceStep, converter, result=as_is))
    return converter


def _exactly(value: object, kind: type[T]) -> T:
    if type(value) is not kind:  # True is an int to isinstance, and int("3") is 3: neither is what the line says
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _one_of(*kinds: type | None) -> Callable[[object, object], object]:
    types = [type(None) if kind is None else kind for kind in kinds]

    def structure(value: object, _: object) -> object:
        if type(value) not in types:
            raise TypeError(f"{value!r} is none of {', '.join(kind.__name__ for kind in types)}")
        return value

    return structure


def _tag(converter: Converter, kind: type[AttrsInstance], key: str, tag: str) -> None:
    """Let every `kind` carry `key: tag` in JSON."""
    from_dict = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
    to_dict = make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True)

    def structure(data: Mapping[str, object], _: object) -> object:
        return from_dict({name: value for name, value in data.items() if name != key}, kind)

    converter.register_structure_hook(kind, structure)
    converter.register_unstructure_hook(kind, lambda value: {key: tag, **to_dict(value)})


def _tagged(
    converter: Converter, key: str, kinds: Mapping[str, type[AttrsInstance]], default: str | None = None
) -> Callable[[dict[str, object], object], object]:
    def structure(data: dict[str, object], _: object) -> object:
        tag = data.get(key, default)
        if tag not in kinds:
            raise ValueError(f"{key} is {tag!r} instead of one of {', '.join(sorted(kinds))}")
        return converter.structure(data, kinds[str(tag)])

    return structure


def _as_list(converter: Converter, kind: type[Event | Row]) -> None:
    """Let an event or a row be a list in JSON: there are tens of thousands of them."""
    resolve_types(kind)
    names = [at.name for at in fields(kind)]
    most = len(names)
    least = sum(at.default is NOTHING for at in fields(kind))

    def structure(values: list[object], _: object) -> object:
        if not least <= len(values) <= most:
            parts = f"{least} or {most}" if least < most else str(most)
            raise ValueError(f"{values!r} has not {parts} parts: {', '.join(names)}")
        types = [at.type for at in fields(kind)]
        return kind(*(converter.structure(value, type_) for value, type_ in zip(values, types, strict=False)))

    def unstructure(value: Event | Row) -> list[object]:
        parts = list(astuple(value))
        return parts[:-1] if parts[-1] == "" else parts

    converter.register_structure_hook(kind, structure)
    converter.register_unstructure_hook(kind, unstructure)


_converter = _make_converter()
