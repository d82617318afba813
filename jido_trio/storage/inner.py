"""What `runtime` needs of storage beside what is for users.

Nothing here is promised.
"""

from jido_trio.storage._records import checked_storage, opener_of

__all__ = [
    "checked_storage",
    "opener_of",
]
