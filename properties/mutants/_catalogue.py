"""All mutants, and those that may survive."""

from __future__ import annotations

from collections.abc import Mapping

from properties.mutants._core_mutants import CORE
from properties.mutants._data_mutants import DATA
from properties.mutants._durable_mutants import DURABLE
from properties.mutants._law_mutants import LAWS
from properties.mutants._observe_mutants import OBSERVE
from properties.mutants._reducer_mutants import REDUCER
from properties.mutants._rest_mutants import REST
from properties.mutants._runtime_mutants import RUNTIME
from properties.mutants._shell_mutants import SHELL
from properties.mutants._storage_mutants import STORAGE
from properties.mutants._upgrade_mutants import UPGRADES

MUTANTS = (*DATA, *CORE, *STORAGE, *REDUCER, *SHELL, *RUNTIME, *REST, *UPGRADES, *OBSERVE, *LAWS, *DURABLE)

ACCEPTED: Mapping[str, str] = {
    "ended_pause_goes_on": "Its alarm is replaced by that of the next pause; one that rings names a life that is over.",
}
"""Mutants that may survive, each with the reason why no test can, or should, tell them from the real one."""
