"""The types that CloudEvents 1.0.2 gives to attributes, as validators and converters of a signal's fields.

A timestamp or binary is kept in its text form, as on the wire, so a signal equals what comes back from JSON.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

from attrs import Attribute

from jido_trio.data import FrozenDict
from jido_trio.errors import InvalidSignal
from jido_trio.redact import shown

__all__ = ["extensions", "media_type", "optional_text", "text", "timestamp", "uri", "uri_reference"]

ExtensionValue: TypeAlias = bool | int | str
"""What an extension may be; a time or bytes become text."""

CORE = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"}
)

# Control characters, lone surrogates and noncharacters: what a String of CloudEvents may not contain.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)
_PART = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/\[\]]|%[0-9A-Fa-f]{2})*"
_REST = rf"{_PART}(?:\?(?:{_PART}|\?)*)?(?:\#(?:{_PART}|\?)*)?"
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:{_REST}")
_RELATIVE = re.compile(
    rf"(?![^/?#]*:){_REST}"
)  # a colon before the first slash would make a scheme of what is before it
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+*-]+/[A-Za-z0-9!#$&^_.+*-]+\s*(;.*)?")
_EXTENSION_NAME = re.compile(r"[a-z0-9]+")


def invalid(attribute: str, value: object, remedy: str) -> InvalidSignal:
    """Return the error for an attribute, with its value shown."""
    return InvalidSignal(f"signal {attribute} is {shown(value, 80)}: {remedy}")


def text(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """Accept a non-empty String."""
    if not isinstance(value, str) or not value:
        raise invalid(attribute.name, value, "give a non-empty str")
    if not value.isprintable() and _FORBIDDEN.search(value):
        raise invalid(attribute.name, value, "leave out the control characters")


def optional_text(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """Accept a non-empty String or None."""
    if value is not None:
        text(_, attribute, value)


def uri_reference(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """Accept a non-empty URI-reference (RFC 3986)."""
    if not isinstance(value, str) or not _is_uri_reference(value):
        raise invalid(attribute.name, value, "give a non-empty URI-reference, such as '/shop/carts' or 'urn:shop'")


@lru_cache(maxsize=1024)
def _is_uri_reference(value: str) -> bool:
    return bool(value and (_URI.fullmatch(value) or _RELATIVE.fullmatch(value)))


def uri(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """Accept a URI with its scheme, or None."""
    if value is not None and not (isinstance(value, str) and _URI.fullmatch(value)):
        raise invalid(attribute.name, value, "give an absolute URI, such as 'https://example.com/schema.json', or None")


def media_type(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """Accept a media type (RFC 2046), or None."""
    if value is None or (isinstance(value, str) and (value == "application/json" or _MEDIA_TYPE.fullmatch(value))):
        return
    raise invalid(attribute.name, value, "give a media type, such as 'application/json', or None")


def rfc3339(time: datetime) -> str:
    """Return the text of an aware time, with Z for UTC."""
    if time.tzinfo is UTC:
        return f"{time.isoformat()[:-6]}Z"
    offset = time.utcoffset()
    if offset and offset % _MINUTE:  # RFC 3339 has whole minutes only
        try:
            time = time.astimezone(UTC)
        except OverflowError:
            raise invalid("time", time, "give a time in the years 1 to 9999, in UTC") from None
    return time.isoformat().replace("+00:00", "Z")


_MINUTE = timedelta(minutes=1)


def timestamp(value: "str | datetime | None") -> str | None:
    """Return the Timestamp text (RFC 3339) of a time given as an aware datetime or as such text already."""
    if value is None or (isinstance(value, str) and _is_time(value)):
        return value
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return rfc3339(value)
    raise invalid("time", value, "give an aware datetime or RFC 3339 text, such as '2026-01-02T12:00:00Z'")


def _is_time(value: str) -> bool:
    try:
        return _RFC3339.fullmatch(value) is not None and bool(moment(value))
    except ValueError:
        return False


@lru_cache(maxsize=256)
def moment(text: str) -> datetime:
    """Return the time that a Timestamp tells, in microseconds; a leap second is the one before it.

    Raises:
        ValueError: There is no such day or time of day.
    """
    text = text.upper()  # T and Z may be small
    if text[17:19] == "60":
        text = f"{text[:17]}59{text[19:]}"
    return datetime.fromisoformat(text)


NO_EXTENSIONS: FrozenDict[str, ExtensionValue] = FrozenDict()


def extensions(values: "Mapping[str, ExtensionValue | bytes | datetime]") -> FrozenDict[str, ExtensionValue]:
    """Return the extension attributes in their canonical form, frozen; refuse wrong names and values."""
    if not isinstance(values, Mapping):
        raise invalid("extensions", values, "give a mapping of names to values")
    if not values:
        return NO_EXTENSIONS
    return FrozenDict({_extension_name(name): _extension_value(name, value) for name, value in values.items()})


def _extension_name(name: object) -> str:
    if not isinstance(name, str) or not _EXTENSION_NAME.fullmatch(name):
        raise invalid("extension name", name, "use lower-case letters a-z and digits only, best at most 20")
    if name in CORE:
        raise invalid("extension name", name, f"{name} is an attribute of its own; pass it as {name}=")
    return name


def _extension_value(name: str, value: object) -> ExtensionValue:
    match value:
        case bool():
            return value
        case int() if -(2**31) <= value < 2**31:
            return value
        case int():
            raise invalid(f"extension {name}", value, "an Integer has 32 bits; give it as a str")
        case str():
            if _FORBIDDEN.search(value):
                raise invalid(f"extension {name}", value, "leave out the control characters")
            return value
        case bytes():
            return b64encode(value).decode()
        case datetime() if value.utcoffset() is not None:
            return rfc3339(value)
        case _:
            raise invalid(
                f"extension {name}", value, "give a bool, int, str, bytes or aware datetime; data goes into data"
            )
