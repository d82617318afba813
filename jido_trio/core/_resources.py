"""Resources: what actions with effects are given to work with: connections, clients, pools."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, overload

from jido_trio.checks import did_you_mean
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown, type_name

T = TypeVar("T")


class Resources(Mapping[Any, Any]):
    """Whatever an instance was given as `resources`, by name or by class: `resources["mail"]`, `resources[Database]`.

    What is found by its class is known to type checkers to be of that class.

    Raises:
        InvalidDefinition: A key is neither a name nor a class, or a value is none of the class that it stands under.
    """

    __slots__ = ("_given",)

    def __init__(self, given: Mapping[Any, object] | None = None) -> None:
        if not isinstance(given, Mapping | None):
            raise InvalidDefinition(
                f"resources={shown(given)} must be a mapping of names or classes to values",
                field="resources",
                value=given,
            )
        self._given: dict[Any, object] = dict(given or {})
        for key, value in self._given.items():
            _check(key, value)

    def __repr__(self) -> str:
        return f"Resources({', '.join(_text(key) for key in self._given)})"  # not the values: they may hold secrets

    @overload
    def __getitem__(self, key: type[T]) -> T: ...

    @overload
    def __getitem__(self, key: str) -> Any: ...

    def __getitem__(self, key: Any) -> Any:
        """Return what stands under a name or a class; a KeyError names what there is."""
        try:
            return self._given[key]
        except KeyError:
            known = [_text(each) for each in self._given]
            hint = did_you_mean(key, [each for each in self._given if isinstance(each, str)])
            raise KeyError(
                f"there is no resource {_text(key)} (there are: {', '.join(known) or 'none'}){hint}; "
                "give it to the instance: Jido(resources={...})"
            ) from None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


NO_RESOURCES = Resources()


def _check(key: object, value: object) -> None:
    if isinstance(key, str) and key:
        return
    if not isinstance(key, type):
        raise InvalidDefinition(f"resource {shown(key)} must be under a name or a class", field="resources", value=key)
    if not getattr(key, "_is_protocol", False) and not isinstance(value, key):
        raise InvalidDefinition(
            f"the resource under {_text(key)} is {shown(value)}, which is none", field="resources", value=value
        )


def _text(key: object) -> str:
    return type_name(key) if isinstance(key, type) else shown(key)
