"""The instance that a group of agents lives in."""

from __future__ import annotations

from jido_trio import checks
from jido_trio.runtime import Agents


def check_instance(owner: str, jido: object) -> None:
    """Refuse what agents can't live in.

    Raises:
        InvalidDefinition: It is neither an instance nor a partition of one.
    """
    if not isinstance(jido, Agents):
        raise checks.refused(owner, "jido", jido, "must be an instance, or a partition: async with Jido() as jido")
