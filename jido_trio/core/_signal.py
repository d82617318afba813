"""Signals: CloudEvents 1.0.2 envelopes, and their JSON Event Format."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC
from functools import lru_cache
from typing import Any, NoReturn, TypeAlias, cast

from attrs import Factory, evolve, field, fields, frozen

from jido_trio.core import _cloudevents
from jido_trio.core._cloudevents import NO_EXTENSIONS, ExtensionValue, invalid
from jido_trio.data import FrozenDict, Misfit, freeze, unstructure
from jido_trio.errors import InvalidSignal
from jido_trio.world import Derived, World, current

__all__ = ["Signal", "from_json_batch", "to_json_batch"]

JsonObject: TypeAlias = dict[str, Any]

_REQUIRED = ("specversion", "id", "source", "type")
_OPTIONAL = ("subject", "time", "datacontenttype", "dataschema")


def _specversion(value: str) -> str:
    # 1.0.2 is the release of the specification, 1.0 the version an event carries; Jido writes the former.
    given: object = value
    if not isinstance(given, str) or given not in {"1.0", "1.0.2"}:
        raise invalid("specversion", value, "only CloudEvents 1.0 is understood; write '1.0'")
    return "1.0"


def _now() -> Any:  # a datetime, which the converter makes text of
    return current().now()


def _payload(data: object) -> Any:
    try:
        return freeze(data)
    except Misfit as misfit:
        raise InvalidSignal(f"signal data can't be kept: {misfit}") from None
    except RecursionError:
        raise InvalidSignal("signal data can't be kept: it is nested too deeply, or holds itself") from None


def _content_type(signal: "Signal") -> str | None:
    if signal.data is None:
        return None
    return "application/octet-stream" if isinstance(signal.data, bytes) else "application/json"


@frozen
class Signal:
    """Something that happened, or that is wanted: what agents are sent and what they send.

    Equal when every attribute is; hashed by id. `attrs.evolve(signal, ...)` makes a changed one, with the same id
    unless that is changed too.

    Raises:
        InvalidSignal: An attribute is not what CloudEvents asks for; the message names it, its value and the remedy.
    """

    type: str = field(validator=_cloudevents.text)
    """What happened, as `order.item.added`: the path that routes match."""
    data: Any = field(default=None, converter=_payload)
    """The payload, frozen: plain JSON data, or bytes."""
    source: str = field(default="/jido_trio", kw_only=True, validator=_cloudevents.uri_reference)
    """Where it happened, a URI-reference; with the id it is unique."""
    id: str = field(factory=lambda: current().ids(), kw_only=True, validator=_cloudevents.text)
    subject: str | None = field(default=None, kw_only=True, validator=_cloudevents.optional_text)
    """What of the source it is about."""
    time: str | None = field(default=Factory(_now), kw_only=True, converter=_cloudevents.timestamp)
    """When it happened, RFC 3339 text; an aware datetime becomes one."""
    datacontenttype: str | None = field(
        default=Factory(_content_type, takes_self=True), kw_only=True, validator=_cloudevents.media_type
    )
    dataschema: str | None = field(default=None, kw_only=True, validator=_cloudevents.uri)
    specversion: str = field(default="1.0", kw_only=True, converter=_specversion)
    extensions: FrozenDict[str, ExtensionValue] = field(
        default=NO_EXTENSIONS, kw_only=True, converter=_cloudevents.extensions
    )
    """Further attributes. Times and bytes among them become text, as on the wire."""

    def __hash__(self) -> int:
        return hash(self.id)

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        """Print it, where IPython or Hypothesis does, as the call that makes it, without what is as it mostly is."""
        mostly = {field.name: field.default for field in fields(Signal) if field.name not in ("type", "id", "time")}
        mostly |= {"datacontenttype": _content_type(self)}
        odd = {name: getattr(self, name) for name in ("data", "source", "id", "subject", "time", *mostly)}
        with printer.group(7, "Signal(", ")"):
            printer.pretty(self.type)
            for name, value in odd.items():
                if name in mostly and value == mostly[name]:
                    continue
                printer.text(",")
                printer.breakable()
                printer.text("" if name == "data" else f"{name}=")
                printer.pretty(value)

    def caused_by(self, other: "Signal") -> "Signal":
        """Return this signal with the id of the one that led to it, as its extension `causationid`."""
        return evolve(self, extensions=self.extensions | {"causationid": other.id})

    @property
    def cause(self) -> str | None:
        """The id of the signal that led to this one, if that is known."""
        cause = self.extensions.get("causationid")
        return None if cause is None else str(cause)

    def to_dict(self) -> JsonObject:
        """Return the event as the JSON Event Format has it: extensions at the top, bytes as `data_base64`.

        Raises:
            InvalidSignal: The data is no JSON data.
        """
        envelope = {name: getattr(self, name) for name in _REQUIRED}
        envelope |= {name: value for name in _OPTIONAL if (value := getattr(self, name)) is not None}
        envelope |= self.extensions
        if isinstance(self.data, bytes):
            envelope["data_base64"] = b64encode(self.data).decode()
        elif self.data is not None:
            envelope["data"] = _plain(self.data)
        return envelope

    def to_json(self) -> str:
        """Return the event as JSON text.

        Raises:
            InvalidSignal: The data is no JSON data.
        """
        return _dumps(self.to_dict())

    @classmethod
    def from_dict(cls, envelope: Mapping[str, Any]) -> "Signal":
        """Return the signal that `to_dict` made, or another producer; what is null is taken as absent.

        Raises:
            InvalidSignal: A required attribute is missing, or one has a value it can't have.
        """
        present = {name: value for name, value in _object(envelope).items() if value is not None}
        # Jido adds its own version to what it sends; it is no attribute of CloudEvents.
        present.pop("jido_schema_version", None)
        for name in _REQUIRED:
            if name not in present:
                raise InvalidSignal(f"signal {name} is missing: every event carries {', '.join(_REQUIRED)}")
        data = _data(present)
        core = {name: present.pop(name, None) for name in (*_REQUIRED, *_OPTIONAL)}
        return cls(data=data, extensions=present, **core)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Signal":
        """Return the signal in JSON text.

        Raises:
            InvalidSignal: It is no JSON, or no event.
        """
        return cls.from_dict(_loads(text))


_TYPE, _SOURCE = fields(Signal).type, fields(Signal).source
(
    _put_type,
    _put_data,
    _put_source,
    _put_id,
    _put_subject,
    _put_time,
    _put_content,
    _put_schema,
    _put_version,
    _put_more,
) = (getattr(Signal, field.name).__set__ for field in fields(Signal))


def new_signal(type: str, data: object = None, source: str = "/jido_trio") -> Signal:
    """Return `Signal(type, data, source=source)`, quicker: what else a signal has is right and needs no check.

    Raises:
        InvalidSignal: As there.
    """
    _cloudevents.text(None, _TYPE, type)
    _cloudevents.uri_reference(None, _SOURCE, source)
    world = current()
    signal = Signal.__new__(Signal)
    _put_type(signal, type)
    _put_data(signal, _payload(data))
    _put_source(signal, source)
    _put_id(signal, world.ids())
    _put_subject(signal, None)
    _put_time(signal, _time_in(world))
    _put_content(signal, _content_type(signal))
    _put_schema(signal, None)
    _put_version(signal, "1.0")
    _put_more(signal, NO_EXTENSIONS)
    return signal


def _time_in(world: World) -> str | None:
    """Return the text of its time; a derived world, whose time stays, has been asked for it before as a rule."""
    time = world.now()
    return _same_utc(time) if isinstance(world, Derived) and time.tzinfo is UTC else _cloudevents.timestamp(time)


_same_utc = lru_cache(maxsize=256)(_cloudevents.rfc3339)
"""For UTC alone: equal times in other zones have other texts."""


def to_json_batch(signals: Iterable[Signal]) -> str:
    """Return several events as one JSON text, in the JSON Batch Format."""
    return _dumps([signal.to_dict() for signal in signals])


def from_json_batch(text: str | bytes) -> tuple[Signal, ...]:
    """Return the signals of a JSON batch, in its order.

    Raises:
        InvalidSignal: It is no JSON array, or one of its items is no event.
    """
    return tuple(map(Signal.from_dict, _array(_loads(text))))


def _array(value: object) -> Iterable[Any]:
    if isinstance(value, list):
        return cast("Iterable[Any]", value)
    raise invalid("batch", value, "give a JSON array of events")


def _object(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    raise invalid("envelope", value, "give a JSON object with " + ", ".join(_REQUIRED))


def _data(envelope: JsonObject) -> object:
    """Take the data, in either form, out of `envelope`."""
    data, encoded = envelope.pop("data", None), envelope.pop("data_base64", None)
    if encoded is None:
        return data
    if data is not None:
        raise invalid("data_base64", encoded, "an event has either data or data_base64, not both")
    try:
        return b64decode(encoded, validate=True)
    except (TypeError, ValueError) as error:
        raise invalid("data_base64", encoded, "give Base64 text (RFC 4648)") from error


def _plain(data: object) -> object:
    try:
        return unstructure(data)
    except (TypeError, RecursionError) as error:
        raise _no_json(error) from error


def _no_json(error: Exception) -> InvalidSignal:
    return InvalidSignal(f"signal data can't be written as JSON: {error}. Give plain JSON data, or bytes.")


def _dumps(value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise _no_json(error) from error


def _loads(text: str | bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (TypeError, ValueError, RecursionError) as error:
        raise invalid("text", text, f"not JSON: {error}") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it has no {name}")
