"""Groups of agents: pools of equal workers. Imports the runtime's public names and what is below it.

A pool is made of agents as an instance starts them: each is supervised, restarted and stopped as every agent is.
"""

from jido_trio.groups._pool import Answer, NoAnswer, Pool, PoolStatus, open_pool

__all__ = ["Answer", "NoAnswer", "Pool", "PoolStatus", "open_pool"]
