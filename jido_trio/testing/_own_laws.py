"""Laws of a user's own about an agent class: functions of one step, and models that are told of each.

They are tried in another process (`_sandbox`), which finds them by their names, as it does the agent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from jido_trio.core import Agent
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown, shown_error

A = TypeVar("A", bound=Agent[Any])
A_contra = TypeVar("A_contra", bound=Agent[Any], contravariant=True)

LawFunction: TypeAlias = Callable[[A, Any, A, Sequence[object]], bool]
"""Says whether a step was right: the agent before it, what it was told, the agent after it, and the directives."""

_MARK = "_jido_law_of"


@runtime_checkable
class AgentModel(Protocol[A_contra]):
    """What a reader believes of an agent. It is made of the agent that a trial begins with, and told of each step."""

    def tell(self, step: Any, directives: Sequence[object], /) -> None:
        """Follow a step of the agent; an `Error` among its directives means that an action said no."""
        ...

    def agrees(self, agent: A_contra, /) -> bool:
        """Return whether the agent is what the model believes."""
        ...


M = TypeVar("M", bound=AgentModel[Any])

OwnLaw: TypeAlias = Callable[..., Any]
"""A function marked by `law`, or a class marked by `model`."""


def law(agent: type[A]) -> Callable[[LawFunction[A]], LawFunction[A]]:
    """Mark a function as a law about each step of an agent class, and of its subclasses.

        @law(Account)
        def nothing_is_paid_twice(before: Account, step: Any, after: Account, directives: Sequence[object]) -> bool:
            return after.state.paid >= before.state.paid

    Checks find it in the agent's module, in the module of a test that names it, or are given it as `also`.

    Raises:
        InvalidDefinition: It is of no agent class, or isn't at the top of a module.
    """
    _check_agent(agent, "law")

    def mark(function: LawFunction[A]) -> LawFunction[A]:
        return _marked(function, agent, "law")

    return mark


def model(agent: type[Agent[Any]]) -> Callable[[type[M]], type[M]]:
    """Mark a class as a model of an agent class: made of an agent, told of each step, it must agree each time.

        @model(Account)
        class Paid:
            def __init__(self, account: Account) -> None: ...
            def tell(self, step: Any, directives: Sequence[object]) -> None: ...
            def agrees(self, account: Account) -> bool: ...

    Raises:
        InvalidDefinition: It is of no agent class, isn't at the top of a module, or has no such methods.
    """
    _check_agent(agent, "model")

    def mark(cls: type[M]) -> type[M]:
        if not (callable(getattr(cls, "tell", None)) and callable(getattr(cls, "agrees", None))):
            raise InvalidDefinition(
                f"model {shown(cls)} must have `tell(step, directives)` and `agrees(agent)`", field="model", value=cls
            )
        return _marked(cls, agent, "model")

    return mark


F = TypeVar("F", bound=Callable[..., Any])


def _check_agent(agent: object, kind: str) -> None:
    if not (isinstance(agent, type) and issubclass(agent, Agent)):
        raise InvalidDefinition(
            f"@{kind}({shown(agent)}): name the agent class that it is about, as @{kind}(Account)",
            field="agent",
            value=agent,
        )


def _marked(what: F, agent: object, kind: str) -> F:
    if "<locals>" in what.__qualname__:
        raise InvalidDefinition(
            f"{kind} {what.__qualname__} is made in a function, where the process of a trial doesn't find it: "
            "put it at the top of its module",
            field=kind,
            value=what,
        )
    setattr(what, _MARK, agent)
    return what


def own_laws(cls: type[Agent[Any]], *modules: Any) -> Iterator[OwnLaw]:
    """Generate the laws and models in these modules that are about an agent class."""
    for module in modules:
        for value in list(vars(module).values()):
            about = getattr(value, _MARK, None) if callable(value) else None
            if isinstance(about, type) and issubclass(cls, about):
                yield value


def checked_laws(cls: type[Agent[Any]], laws: Sequence[OwnLaw]) -> tuple[OwnLaw, ...]:
    """Return laws that are about an agent class.

    Raises:
        InvalidDefinition: One isn't.
    """
    for one in laws:
        about = getattr(one, _MARK, None)
        if not (isinstance(about, type) and issubclass(cls, about)):
            raise InvalidDefinition(
                f"{shown(one)} is no law about {cls.__qualname__}: mark it with @law({cls.__qualname__}) or "
                f"@model({cls.__qualname__})",
                field="also",
                value=one,
            )
    return tuple(laws)


class Judges:
    """The laws and models of a trial, made of the agent that it begins with."""

    def __init__(self, laws: Sequence[OwnLaw], agent: Agent[Any]) -> None:
        self._laws = [one for one in laws if not isinstance(one, type)]
        self._models: list[tuple[str, Any]] = []
        self._unmade = ""
        for cls in (one for one in laws if isinstance(one, type)):
            try:
                self._models.append((cls.__name__, cls(agent)))
            except Exception as error:  # noqa: BLE001 - of whatever the model is
                self._unmade = f"{cls.__name__} can't be made: {shown_error(error)}"

    def broken(self, before: Agent[Any], step: Any, after: Agent[Any], directives: Sequence[object]) -> str:
        """Return which law is broken by a step, or which model doesn't agree; "" if none."""
        if self._unmade:
            return self._unmade
        for one in self._laws:
            why = _said(one.__name__, "is broken", partial(one, before, step, after, directives))
            if why:
                return why
        for name, held in self._models:
            unlike = f"doesn't agree with {shown(after.state)}"
            why = _said(name, unlike, partial(_agreed, held, step, directives, after))
            if why:
                return why
        return ""


def _agreed(model: Any, step: Any, directives: Sequence[object], after: Agent[Any]) -> bool:
    model.tell(step, directives)
    return bool(model.agrees(after))


def _said(name: str, what: str, holds: Callable[[], object]) -> str:
    try:
        return "" if holds() else f"{name} {what}"
    except AssertionError as error:
        return f"{name} {what}: {shown_error(error)}"
    except Exception as error:  # noqa: BLE001 - it can't be told
        return f"{name} can't be told: {shown_error(error)}"
