"""One agent, alive. Imports the leaves, `core` and `supervision`.

A signal meets the files in this order: `_ref` (call, cast), `_message` (the reply a call waits for), `_mailbox`,
`_server` (receive, route, `cmd`, answer), `_interpreter` (what each directive does), `_execute` (async actions),
`_timers` (schedules, deadlines), `_cell` (what outlives a life), `_jido` (the instance around it all).
"""

from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._jido import DeadLetter, Jido, log_dead_letter
from jido_trio.runtime._ref import AgentRef

__all__ = ["AgentRef", "DeadLetter", "Jido", "Runtime", "interpret", "log_dead_letter"]
