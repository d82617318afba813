"""The doors that are fuzzed: cron expressions, calls of tools, plans, paths of files, plugins."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import attrs
import trio
from attrs import evolve, field, frozen
from hypothesis import strategies as st

from jido_trio import Action, Agent, Context, Emit, InvalidDefinition, Result, Signal
from jido_trio.actions.outside import (
    CopyFile,
    DeleteFile,
    Files,
    ListFolder,
    MakeFolder,
    MoveFile,
    ReadFile,
    WriteFile,
    _files,
)
from jido_trio.core import Cron, From, Plan, Plugin, Route, Step, Unrouted, times_of
from jido_trio.core.inner import checkpointed, restored
from jido_trio.data import Misfit, pack, unpack
from jido_trio.errors import ActionError, InvalidArguments, InvalidSignal, PluginRefused
from jido_trio.runtime import run
from properties import test_plans as plans
from properties import test_tools as tools
from properties.campaigns._fuzz import Door

ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=8),
    st.just(object()),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
    st.sampled_from(["", ".", "..", "*", "a.*", "a.**", "\0", "\udcff", "x" * 5000, 10**400, int, UTC]),
)
"""What nobody expects."""

# ---- cron

_PART = st.sampled_from([*"*/,-#LW0123456789", "MON", "fri", "JAN", "dec", "?", "@", " ", "\t", "60", "31", "99999"])
_FIELD = st.lists(_PART, min_size=1, max_size=6).map("".join)
_SOUND = st.tuples(*[st.sampled_from(["*", "*/5", "0", "30", "2", "1-3", "0,1", "1/2"])] * 5).map(" ".join)
_EXPRESSION = st.one_of(
    st.lists(_FIELD, min_size=4, max_size=7).map(" ".join),
    st.tuples(*[st.sampled_from(["*", "*/5", "0", "30", "2", "1-3", "0,1", "L", "1#5", "29"])] * 5).map(" ".join),
    st.sampled_from(["@daily", "@YEARLY", "@never", "0 0 31 2 *", "0 0 29 2 1#5"]),
    st.text(max_size=40),
    st.integers(1, 20_000).map(lambda many: "0," * many + "0 * * * *"),
    ODD,
)
_A_ZONE = st.sampled_from(sorted(available_timezones()))
_ZONE = _A_ZONE | st.text(max_size=20) | ODD
_A_MOMENT = st.integers(-2_200_000_000, 5_600_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_MOMENT = st.datetimes(timezones=st.just(UTC)) | st.datetimes()


def _cron(drawn: Any) -> None:
    expression, zone, moment, missed, jitter = drawn
    try:
        cron = Cron(expression, Signal("tick"), timezone=zone, missed=missed, jitter=jitter)
    except InvalidDefinition:
        _refused(times_of, expression, zone, told=missed == "skip" and jitter == 0 and jitter is not False)
        return
    try:
        following = cron.times.after(moment)
        assert following > moment
        assert following.microsecond == 0
        before = cron.times.last(following)
        assert before <= following
        assert cron.times.after(following - timedelta(seconds=1)) <= following
    except InvalidDefinition:
        assert moment.tzinfo is None or not 200 < moment.year < 9800


def _refused(make: Callable[..., object], *given: Any, told: bool) -> None:
    """Have what refuses it be the same at the other door: a zone or an expression that is none is none there, too."""
    try:
        make(*given)
    except InvalidDefinition:
        return
    assert not told, f"{make.__qualname__} takes {given!r}"


# ---- tools

_ARGUMENTS = st.one_of(
    st.dictionaries(st.sampled_from(["a", "b", "x", "y"]), tools.JSON, max_size=4),
    tools.JSON,
    st.text(),
    st.binary(),
    st.integers(1, 3000).map(lambda depth: "[" * depth),
    st.integers(1, 3000).map(lambda depth: '{"a":' * depth + "1" + "}" * depth),
    st.integers(1, 6000).map(lambda many: '{"a": 1' + "0" * many + "}"),
    ODD,
)


def _tools(drawn: Any) -> None:
    types, strict, optional, arguments = drawn
    try:
        made = tools.tool(types, strict=strict, optional=optional)
    except InvalidDefinition:
        return  # it has no strict form
    try:
        made.read(arguments)
    except InvalidArguments as refusal:
        _is_well_told(refusal)
    if isinstance(arguments, dict) and not made.strict:
        tools.agree(made, arguments)


def _is_well_told(refusal: InvalidArguments) -> None:
    assert refusal.problems
    assert len(str(refusal)) < 20_000
    assert len(repr(refusal.as_data())) < 200_000


def _is_short(error: Exception) -> None:
    assert len(str(error)) < 5000


# ---- plans

_NAME = st.sampled_from([*plans.NAMES]) | ODD


@frozen
class _Free:
    """A step as anybody might write one."""

    name: Any
    action: Any
    params: Any
    options: Mapping[str, Any]


_STEP = st.builds(
    _Free,
    _NAME,
    st.sampled_from([plans.Work, plans.Plain, Action, int, None]),
    st.one_of(
        st.dictionaries(st.sampled_from(["given", "gven", ""]), _NAME, max_size=2),
        st.tuples(_NAME, st.lists(_NAME, max_size=2)),
        ODD,
    ),
    st.dictionaries(
        st.sampled_from(["needs", "on_failure", "opts"]),
        st.lists(_NAME, max_size=3) | ODD | st.sampled_from(["undo", "stop", "skip"]),
        max_size=3,
    ),
)


def _plans(drawn: Any) -> None:
    sound, free, data = drawn
    plans.assert_ends_well(Plan(*sound), data)
    made = list[Any]()
    for each in free:
        try:
            params = each.params
            if isinstance(params, tuple):  # what another step returned
                name, path = params
                params = {"given": From(name, *path)}
            made.append(Step(each.name, each.action, params, **each.options))
        except InvalidDefinition as refused:
            _is_short(refused)
    try:
        plan = Plan(*sound, *made)
    except InvalidDefinition as refused:
        _is_short(refused)
    else:
        assert plan.drawing().mermaid()
        plans.assert_ends_well(plan, data)


# ---- files

_LINK = ["out", "file", "notes/up", "new", "notes/a.txt", "notes", "w"]
_FOLDER = st.sampled_from(["", "notes/", "out/", "notes/up/", "new/", "w/", "../", "./notes/../"])
_FILE = st.sampled_from(["secret.txt", "a.txt", "file", "w", "new", "out", "..", "", "~", "\udcff"]) | st.text(
    max_size=3
)
_PATHS = st.tuples(_FOLDER, _FILE).map("".join) | st.sampled_from(["/etc/passwd", "a" * 5000])
_DO: Mapping[str, Callable[[str, str], Action]] = {
    "read": lambda path, other: ReadFile(path=path),
    "write": lambda path, other: WriteFile(path=path, text=other),
    "append": lambda path, other: WriteFile(path=path, text="x", mode="append"),
    "create": lambda path, other: WriteFile(path=path, text="x", mode="create"),
    "copy": lambda path, other: CopyFile(path=path, to=other),
    "move": lambda path, other: MoveFile(path=path, to=other),
    "list": lambda path, other: ListFolder(path=path),
    "make": lambda path, other: MakeFolder(path=path),
    "delete": lambda path, other: DeleteFile(path=path),
}
_AT_ONCE = st.none() | st.tuples(st.integers(0, 8), st.sampled_from(_LINK), st.sampled_from(["..", "../secret.txt"]))
"""Somebody else puts a link into the way, right before the n-th question to the system."""
_USE = st.tuples(st.sampled_from(sorted(_DO)), _PATHS, _PATHS, _AT_ONCE)
_SECRET = "what nobody may read"


def _files_door(drawn: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        (base / "secret.txt").write_text(_SECRET)
        root = base / "root"
        (root / "notes").mkdir(parents=True)
        (root / "notes" / "a.txt").write_text("hello")
        (root / "out").symlink_to(base)
        (root / "file").symlink_to(base / "secret.txt")
        trio.run(_used, root, drawn)
        assert sorted(each.name for each in base.iterdir()) == ["root", "secret.txt"]
        assert (base / "secret.txt").read_text() == _SECRET


async def _used(root: Path, drawn: Any) -> None:
    for how, path, other, at_once in drawn:
        try:
            action, allowed = _DO[how](path, other), Files(root, max_bytes=1000)
            with _somebody_else(root, at_once):
                answer = await run(action, resources={Files: allowed})
        except ActionError:
            continue
        assert _SECRET not in str(answer)
        assert not _holds_the_secret(root)


def _holds_the_secret(root: Path) -> bool:
    files = [each for each in root.rglob("*") if not each.is_symlink() and each.is_file()]
    return any(_SECRET in each.read_text(errors="replace") for each in files)


class _Watched:
    """The module `os`, with somebody who acts right before the n-th question to it."""

    def __init__(self, act: Callable[[], None], at: int) -> None:
        self._act, self._left = act, at

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        if name not in ("open", "stat", "replace", "unlink", "mkdir", "scandir", "fstat"):
            return found

        def asked(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left == -1:
                self._act()
            return found(*args, **options)

        return asked


@contextmanager
def _somebody_else(root: Path, at_once: tuple[int, str, str] | None) -> Iterator[None]:
    if at_once is None:
        yield
        return
    at, where, target = at_once

    def act() -> None:
        place = root / where
        if place.parent.is_symlink():
            return  # it would be outside
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(root / target)

    put: Any = _files
    put.os = _Watched(act, at)
    try:
        yield
    finally:
        put.os = os


# ---- plugins


@frozen
class _Slice:
    n: int = 0
    notes: list[str] = field(factory=list)


class _Note(Action):
    text: str = ""
    odd: object = None

    def run(self, context: Context[Any, Any]) -> Result:
        name = context.extra.get("plugin")
        return _Noting.change({"notes": [self.text], **({"n": self.odd} if self.odd else {})}, name), Emit("noted")


class _Noting(Plugin[_Slice], name="noting"):
    """Notes things, as its config says; what it does wrong is part of that."""

    limit: int = 3
    words: list[str] = field(factory=list)
    by: dict[str, int] = field(factory=dict)
    brings: Any = None
    wrong: Any = None
    does: dict[str, Any] = field(factory=dict)
    """By hook: how, and with what, it goes wrong."""

    def mount(self, agent: Any) -> Any:
        return self.brings

    def routes(self) -> Any:
        return {"note": _Note, **({self.wrong: _Note} if isinstance(self.wrong, str) else {})}

    def on_signal(self, signal: Signal, agent: Any) -> Any:
        return _done(self, "on_signal", signal, lambda odd: evolve(signal, data=odd))

    def on_action(self, action: Action, agent: Any, signal: Signal | None) -> Any:
        return _done(self, "on_action", {}, lambda odd: {odd: odd})

    def on_result(self, action: Action, before: Any, after: Any) -> Any:
        return _done(self, "on_result", after, lambda odd: evolve(after, **odd))

    def on_emit(self, emit: Emit, agent: Any) -> Any:
        return _done(self, "on_emit", emit, lambda odd: evolve(emit, signal=evolve(emit.signal, type=odd)))

    def checkpoint(self, slice: _Slice) -> Any:
        plain = {"n": slice.n, "notes": slice.notes}
        return _done(self, "checkpoint", plain, lambda odd: {**plain, "n": odd})

    def restore(self, kept: Any) -> Any:
        slice = _Slice(**kept)
        return _done(self, "restore", slice, lambda odd: evolve(slice, n=odd))


def _done(plugin: _Noting, hook: str, right: Any, changed: Callable[[Any], Any]) -> Any:
    """Return what a hook answers; a change may be one that it mustn't make."""
    how, odd = plugin.does.get(hook, ("right", None))
    if how == "raises":
        error = _RAISED[odd]()
        raise error
    return right if how == "right" else odd if how == "answers" else changed(odd)


_RAISED: list[Callable[[], Exception]] = [
    lambda: ActionError("no"),
    lambda: PluginRefused("x", "y", "z"),
    lambda: ValueError("bug"),
    RecursionError,
    lambda: ExceptionGroup("a", [ValueError()]),
]
"""Made anew each time: one that is raised again keeps the frames of all times."""
_HOOKS = ["on_signal", "on_action", "on_emit", "checkpoint", "restore"]
_DEED = (
    st.tuples(st.just("raises"), st.integers(0, len(_RAISED) - 1))
    | st.tuples(st.just("answers"), ODD)
    | st.tuples(st.just("changes"), ODD | st.sampled_from(["state", "plugin", "more"]))
)
_AGENT = st.tuples(st.sampled_from(["id", "state", "strategy_state"]), ODD).map(lambda one: dict([one]))
_DEEDS = st.dictionaries(st.sampled_from(_HOOKS), _DEED, max_size=2) | st.fixed_dictionaries(
    {"on_result": _DEED | st.tuples(st.just("changes"), _AGENT)}
)


class _Other(Plugin, singleton=True, requires=[_Noting]):
    """Needs another."""

    def routes(self) -> Any:
        return [Route("note.*", _Note, priority=3)]


_SOUND_CONFIG = st.fixed_dictionaries(
    {"limit": st.integers(-1, 4)},
    optional={
        "words": st.lists(st.text(max_size=3), max_size=2),
        "by": st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
        "brings": st.fixed_dictionaries({}, optional={"n": st.integers(), "notes": st.just(["x"])}),
        "wrong": st.sampled_from([None, 3, "more", "*", "a.**"]),
        "does": _DEEDS,
    },
)
_CONFIG = st.dictionaries(st.sampled_from(["limit", "words", "by", "brings", "wrong", "does", "limt"]), ODD, max_size=3)
_SOUND_PLUGINS = st.lists(
    st.tuples(st.sampled_from([None, "n2", "a"]), _SOUND_CONFIG), min_size=1, max_size=3, unique_by=lambda each: each[0]
).flatmap(lambda some: st.sampled_from([some, [*some, "other"]]))
_PLUGINS = st.lists(st.tuples(st.none() | _NAME, _SOUND_CONFIG | _CONFIG) | st.just("other") | ODD, max_size=3)
_TYPES = st.sampled_from(["noting.note", "n2.note", "a.note", "other.note.x", "noting.more", "plain"])
_DATA = st.fixed_dictionaries({}, optional={"text": st.text(max_size=3), "odd": ODD})
_SENT = st.tuples(_TYPES, _DATA) | st.tuples(_TYPES, st.none() | _DATA) | st.tuples(_TYPES | st.text(max_size=10), ODD)


def _plugins(drawn: Any) -> None:
    plugins, sent = drawn
    given = list[Any]()
    for each in plugins:
        if not (isinstance(each, tuple) and len(each) == 2 and isinstance(each[1], dict)):
            given.append(_Other() if each == "other" else each)
            continue
        name, config = each
        try:
            made = _Noting(**config)
        except InvalidDefinition as refused:
            _is_short(refused)
        else:
            given.append(made if name is None else (name, made))
    try:
        cls: Any = type("Fuzzed", (Agent,), {}, plugins=given, routes={"plain": _Note})
        agent = cls.new("a")
    except (InvalidDefinition, ActionError) as refused:
        _is_short(refused)
        return
    for type_, data in sent:
        try:
            signal = Signal(type_, data)
        except InvalidSignal:
            continue
        before = agent
        answer = agent.receive(signal)
        if isinstance(answer, Unrouted):
            continue
        agent, directives = answer
        _is_sound(agent, before)
        assert all(attrs.has(type(each)) for each in directives)
        _comes_back(agent)


def _is_sound(agent: Any, before: Any) -> None:
    """Have no hook, whatever it did, leave an agent that is none."""
    assert type(agent) is type(before)
    assert agent.id == before.id
    assert agent.strategy_state.slices.keys() == before.strategy_state.slices.keys()
    for each in type(agent).strategy.mounted:
        slice = agent.strategy_state.slices[each.name]
        assert each.plugin.slice.fit(slice) is slice


def _comes_back(agent: Any) -> None:
    """Have what is written of it be refused, or be itself once it is read."""
    try:
        written = pack(checkpointed(agent))
    except (PluginRefused, ActionError, Misfit) as refused:
        _is_short(refused)
        return
    assert restored(type(agent), unpack(written)) == agent.strategy_state


DOORS: Mapping[str, Door] = {
    door.name: door
    for door in (
        Door(
            "cron",
            st.one_of(
                st.tuples(_EXPRESSION, _A_ZONE, _A_MOMENT, st.just("skip"), st.just(0)),
                st.tuples(_SOUND, _A_ZONE, _A_MOMENT, st.sampled_from(["skip", "one", "all"]), st.just(0)),
                st.tuples(_EXPRESSION, _ZONE, _MOMENT, st.just("skip") | ODD, st.just(0) | st.floats() | ODD),
            ),
            _cron,
        ),
        Door(
            "tools",
            st.tuples(st.lists(tools.FIELDS, min_size=1, max_size=3), st.booleans(), st.booleans(), _ARGUMENTS),
            _tools,
        ),
        Door("plans", st.tuples(plans.SOUND, st.lists(_STEP, max_size=4), st.data()), _plans),
        Door(
            "files",
            st.lists(st.tuples(st.sampled_from(sorted(_DO)), _PATHS, _PATHS, _AT_ONCE), max_size=4),
            _files_door,
        ),
        Door("plugins", st.tuples(_SOUND_PLUGINS | _PLUGINS, st.lists(_SENT, min_size=1, max_size=4)), _plugins),
    )
}
