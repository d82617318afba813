"""Inputs: what a strategy takes that is no action."""

from typing import Any

from jido_trio.core._action import Action
from jido_trio.errors import InvalidDefinition


class Input(Action):
    """Something that a strategy takes, and that is no action. Subclass it as `Action`, without a `run`.

    Routes lead to it, `cmd` takes it, and it may be the `result_action` of a `RunInstruction`. It comes to the `run` of
    the strategy among the instructions; `instruction.bind()` is the input. A strategy names the classes that it takes
    as its `inputs`.

    Raises:
        InvalidDefinition: When the class is made: it has a `run`.
    """

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if not cls.is_abstract:
            raise InvalidDefinition(
                f"input {cls.__qualname__} has a run: what is to be run is an action, subclass Action; "
                "an input is the strategy's to deal with"
            )
        cls.is_abstract, cls.is_input = False, True
