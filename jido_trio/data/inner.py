"""What the parts above need of `data` beside what is for users: the types that variables stand for.

Nothing here is promised.
"""

from jido_trio.data._generic import arguments_of, filled_in

__all__ = ["arguments_of", "filled_in"]
