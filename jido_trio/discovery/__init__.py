"""What there is: actions, agents, plugins and sensors of packages and of installed distributions. Imports `core`."""

from jido_trio.discovery._found import GROUPS, KINDS, Discovery, Found, Unloaded, discover

__all__ = ["GROUPS", "KINDS", "Discovery", "Found", "Unloaded", "discover"]
