"""What the fields of directives take: validators of attrs, which name the directive, the field and the value."""

from collections.abc import Mapping
from typing import Any, get_args

from attrs import NOTHING, Attribute, field, fields

from jido_trio import checks
from jido_trio.core._action import KEPT, Action
from jido_trio.core._instruction import Instruction
from jido_trio.data import FrozenDict
from jido_trio.errors import InvalidDefinition


def unfit(directive: object, name: str, expected: str, value: object) -> InvalidDefinition:
    """Return the error for a field of a directive that is no `expected`."""
    return checks.refused(type(directive).__name__, name, value, f"must be {expected}")


def is_one_of(choice: Any) -> Any:
    """Return what refuses all but the words of a `Literal`."""
    words = get_args(choice)

    def check(directive: object, attribute: "Attribute[Any]", value: object) -> None:
        checks.one_of(type(directive).__name__, attribute.name, value, words)

    return check


def is_text(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what is no text, or an empty one."""
    if not isinstance(value, str) or not value or not _can_be_written(value):
        raise unfit(directive, attribute.name, "a text that is not empty, and that UTF-8 can write", value)


def _can_be_written(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_text_or_none(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what is neither None nor a text."""
    if value is not None:
        is_text(directive, attribute, value)


def is_seconds(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what is no time in seconds."""
    checks.seconds(type(directive).__name__, attribute.name, value)


def is_within_a_year(directive: object, attribute: "Attribute[Any]", value: float) -> None:
    """Refuse what is no time in seconds, or more than a year."""
    is_seconds(directive, attribute, value)
    if value > _YEAR:
        raise unfit(directive, attribute.name, f"seconds, {_YEAR} at most", value)


_YEAR = 366 * 24 * 3600


def is_agent(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what no agent can be started from."""
    if not callable(getattr(value, "new", None)):
        raise unfit(directive, attribute.name, "an agent class or an agent", value)


def is_child(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what can't be run as a child."""
    if isinstance(value, type) or not (callable(value) or (hasattr(value, "id") and hasattr(value, "fn"))):
        raise unfit(directive, attribute.name, "an async function or a Child", value)


def is_told_an_outcome(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what is neither None nor the class of an action that can be run with an outcome and nothing else."""
    if value is None:
        return
    if not (isinstance(value, type) and issubclass(value, Action)) or value.is_abstract:
        raise unfit(directive, attribute.name, "an action class with a run", value)
    taken: Any = fields(value)  # type: ignore[arg-type]  # every action is an attrs class
    takes = {each.name: each.default is NOTHING for each in taken if each.init}
    if "outcome" not in takes or any(takes[name] for name in takes.keys() - {"outcome"}):
        raise unfit(directive, attribute.name, "an action class whose only required field is `outcome`", value)


def is_runnable(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what is no instruction to run an action."""
    if not isinstance(value, Instruction):
        raise unfit(directive, attribute.name, "an Instruction", value)
    if value.action_class.is_input:
        raise unfit(directive, attribute.name, "to run an action, and an input isn't one", value)


def is_mapping(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what is no mapping."""
    if not isinstance(value, Mapping):
        raise unfit(directive, attribute.name, "a mapping", value)


def frozen_mapping() -> Any:
    """Return a field that holds a mapping, frozen; none if not given."""
    return field(factory=FrozenDict, converter=KEPT, validator=is_mapping)
