"""The command `jido-trio`. May import every folder of ours; nothing imports it."""

from jido_trio.cli._main import main

__all__ = ["main"]
