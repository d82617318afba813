"""Groups of agents: pools of equal workers, keyed agents. Imports the runtime's public names and what is below it.

They are made of agents as an instance starts them: each is supervised, restarted and stopped as every agent is.
"""

from jido_trio.groups._keyed import Keyed, KeyedStatus, open_keyed
from jido_trio.groups._pool import Answer, NoAnswer, Pool, PoolStatus, open_pool

__all__ = ["Answer", "Keyed", "KeyedStatus", "NoAnswer", "Pool", "PoolStatus", "open_keyed", "open_pool"]
