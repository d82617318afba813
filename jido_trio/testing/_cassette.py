"""A cassette: what a provider answered, kept in a file, and answered again from there without it.

A line is one request as a conversation makes it, and what came of it. The address, the headers and the key are the
client's, so none of them is there. A request that isn't there is a failure that shows the nearest one that is: nothing
ever goes to the network instead.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import takewhile
from os import PathLike
from pathlib import Path
from typing import Any

import trio
from attrs import asdict, define, field

from jido_trio import checks
from jido_trio.ai import ModelClient, ModelFailure, ModelReply, ModelRequest, ToolCall, Usage, Verbatim
from jido_trio.ai.inner import check_client, concealed_call, holding, plain_prompt
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import HIDDEN, said, shown

HEAD = {"cassette": 1}


class Cassette:
    """A client for `Model(...)` that answers from a file, or records one.

    Two runs of one program are the same requests, so equal requests are answered in the order in which they were.
    Secret fields of tools' arguments are `***` in it, and so in a run that is played.

    Args:
        path: The file: lines of JSON.
        record: The client to record. The file begins anew then. None to play it.
        hide: Texts that mustn't be in the file.

    Raises:
        InvalidDefinition: There is no such file, it is no cassette, or an option is wrong.
    """

    def __init__(
        self, path: str | PathLike[str], *, record: ModelClient | None = None, hide: Collection[str] = ()
    ) -> None:
        self._path = Path(checks.path("a cassette", "path", path))
        texts: object = hide
        if (
            isinstance(texts, str)
            or not isinstance(texts, Iterable)
            or not all(isinstance(each, str) for each in texts)
        ):
            raise checks.refused("a cassette", "hide", HIDDEN, "must be several texts: hide=[...]")
        if record is not None:
            check_client("a cassette", record)
        self._client = record
        self._hide = tuple(text for text in hide if text)
        self._tracks: list[_Track] = []
        if record is None:
            self._tracks = _read(self._path)
        else:
            self._path.write_text(json.dumps(HEAD) + "\n", encoding="utf-8")

    @property
    def unplayed(self) -> int:
        """How many of its requests weren't made."""
        return sum(not track.played for track in self._tracks)

    def held(self) -> AbstractAsyncContextManager[None]:
        """See `ModelClient`."""
        return holding([self._client])

    async def stream(self, request: ModelRequest, tell: Callable[[str], None]) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        asked = self._redacted(_plain(request))
        if self._client is None:
            await trio.lowlevel.checkpoint()
            return await self._play(asked, tell)
        return await self._record(self._client, request, asked, tell)

    async def _record(
        self, client: ModelClient, request: ModelRequest, asked: Any, tell: Callable[[str], None]
    ) -> ModelReply | ModelFailure:
        pieces: list[str] = []

        def heard(text: str) -> None:
            pieces.append(text)
            tell(text)

        try:
            outcome = await client.stream(request, heard)
        except trio.Cancelled:
            self._keep({"request": asked, "cancelled": True, "pieces": pieces})
            raise
        came = "reply" if isinstance(outcome, ModelReply) else "failure"
        kept = asdict(outcome)
        _conceal(kept.get("calls", ()), request)
        self._keep({"request": asked, came: kept, "pieces": pieces})
        return outcome

    def _keep(self, track: Mapping[str, Any]) -> None:
        kept = self._redacted(json.loads(json.dumps(track)))
        text = "".join(track.get("pieces", ()))
        if "".join(kept.get("pieces", ())) != self._redacted(text):
            kept["pieces"] = [self._redacted(text)]  # what is hidden came in two pieces
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(kept, ensure_ascii=False) + "\n")

    async def _play(self, asked: Any, tell: Callable[[str], None]) -> ModelReply | ModelFailure:
        track = next((each for each in self._tracks if not each.played and each.request == asked), None)
        if track is None:
            return ModelFailure(f"cassette {shown(self._path.name)}: {self._miss(asked)}", "never", billed=False)
        track.played = True
        for piece in track.pieces:
            tell(piece)
        if track.outcome is None:
            await trio.sleep_forever()  # whoever recorded it had cancelled it
            raise AssertionError
        return track.outcome

    def _miss(self, asked: Any) -> str:
        if any(each.request == asked for each in self._tracks):
            return "this request was recorded, but not as often as it is made now"
        waiting = [each for each in self._tracks if not each.played] or self._tracks
        if not waiting:
            return "nothing is recorded"
        text = json.dumps(asked)
        nearest = max(waiting, key=lambda each: _same(text, json.dumps(each.request)))
        return f"no such request was recorded; the nearest differs {_difference(nearest.request, asked)}"

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, str):
            for text in self._hide:
                value = value.replace(text, HIDDEN).replace(json.dumps(text)[1:-1], HIDDEN)
            return value
        if isinstance(value, Mapping):
            return {key: self._redacted(each) for key, each in value.items()}
        return [self._redacted(each) for each in value] if isinstance(value, list) else value


@define
class _Track:
    """A request, and what came of it."""

    request: Any
    outcome: ModelReply | ModelFailure | None
    """None if it was cancelled."""
    pieces: Sequence[str]
    played: bool = field(default=False, init=False)


def _plain(request: ModelRequest) -> Any:
    """Return a request as plain data, the secret arguments of its calls left out."""
    plain: Any = {"model": request.model, **json.loads(json.dumps(plain_prompt(request.prompt)))}
    for message in plain["messages"]:
        _conceal(message.get("calls", ()), request)
    return plain


def _conceal(calls: Sequence[Any], request: ModelRequest) -> None:
    for call in calls:
        call["arguments"] = concealed_call(request.prompt.tools, call["name"], call["arguments"])


def _read(path: Path) -> list[_Track]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InvalidDefinition(f"there is no cassette at {shown(str(path))}: {said(error)}. Record it first") from None
    head, *lines = text.removesuffix("\n").split("\n")
    try:
        version, tracks = json.loads(head), [_track(json.loads(line)) for line in lines]
    except (ValueError, TypeError, LookupError) as error:
        raise InvalidDefinition(f"{shown(str(path))} is no cassette: {said(error)}. Record it anew") from None
    if version != HEAD:
        raise InvalidDefinition(f"{shown(str(path))} is no cassette of this version: record it anew")
    return tracks


def _track(plain: Any) -> _Track:
    if "cancelled" in plain:
        return _Track(plain["request"], None, plain["pieces"])
    if "failure" in plain:
        failure = plain["failure"]
        return _Track(plain["request"], ModelFailure(**{**failure, "usage": _usage(failure)}), plain["pieces"])
    reply = plain["reply"]
    calls = tuple(ToolCall(**call) for call in reply["calls"])
    verbatim = None if reply["verbatim"] is None else Verbatim(**reply["verbatim"])
    whole = ModelReply(reply["text"], calls, reply["finish"], _usage(reply), verbatim)
    return _Track(plain["request"], whole, plain["pieces"])


def _usage(plain: Any) -> Usage | None:
    return None if plain["usage"] is None else Usage(**plain["usage"])


def _difference(kept: Any, asked: Any, at: str = "") -> str:
    """Return where two requests begin to differ, and how."""
    if isinstance(kept, Mapping) and isinstance(asked, Mapping):
        for name in [*kept, *asked]:
            if kept.get(name) != asked.get(name):
                return _difference(kept.get(name), asked.get(name), f"{at}/{name}")
    if isinstance(kept, list) and isinstance(asked, list):
        for number, (one, other) in enumerate(zip(kept, asked, strict=False)):
            if one != other:
                return _difference(one, other, f"{at}/{number}")
        return f"at {at}: {len(kept)} were recorded, and there are {len(asked)} now"
    if isinstance(kept, str) and isinstance(asked, str):
        before, now = kept.split(" "), asked.split(" ")
        same = _same(before, now)
        kept, asked = " ".join(before[same:]), " ".join(now[same:])
    return f"at {at}: {shown(kept, 80)} was recorded, and it is {shown(asked, 80)} now"


def _same(one: Sequence[object], other: Sequence[object]) -> int:
    """Return how far two are equal from the beginning on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
