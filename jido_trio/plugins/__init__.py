"""Ready-made plugins: what an agent remembers, beside its state. Imports `core`."""

from jido_trio.plugins._mind import (
    IdentityPlugin,
    IdentitySlice,
    MemoryPlugin,
    MemorySlice,
    ThreadPlugin,
    ThreadSlice,
)

__all__ = ["IdentityPlugin", "IdentitySlice", "MemoryPlugin", "MemorySlice", "ThreadPlugin", "ThreadSlice"]
