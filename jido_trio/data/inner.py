"""What the parts above need of `data` beside what is for users: the types that variables stand for, fields set aside.

Nothing here is promised.
"""

from jido_trio.data._fingerprint import ASIDE
from jido_trio.data._generic import arguments_of, filled_in

__all__ = ["ASIDE", "arguments_of", "filled_in"]
