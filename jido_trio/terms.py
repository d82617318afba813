"""OTP's words as types, for agents and supervisors alike. Imports nothing of ours."""

from typing import Literal, TypeAlias

Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
"""Which ends of a child are answered by a restart: all, crashes only, none."""

RestartStrategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]
"""Which children are restarted with the one that ended."""

AutoShutdown: TypeAlias = Literal["never", "any_significant", "all_significant"]
"""Whether a supervisor stops by itself once significant children have ended for good."""

Kind: TypeAlias = Literal["worker", "supervisor"]
"""What a child is: a worker, or a supervisor with children of its own."""

ShutdownLimit: TypeAlias = float | Literal["brutal"] | None
"""How a child is stopped: seconds it is given after it was asked, at once, or however long it takes (None)."""

ExitKind: TypeAlias = Literal["normal", "shutdown", "killed", "crash"]
"""How a life ended: it returned; it was asked to end or raised Shutdown; it was cancelled unasked; anything else."""

OnParentDeath: TypeAlias = Literal["stop", "continue", "emit_orphan"]
"""What a child agent does when its parent ends: stop; go on as an orphan; go on and handle `jido.agent.orphaned`."""

WhenFull: TypeAlias = Literal["wait", "dead_letter", "drop"]
"""What becomes of a signal that an agent emits to a mailbox without room."""

AfterCrash: TypeAlias = Literal["fresh", "committed"]
"""What the life after a crash begins with: the initial state; or the one before the message that crashed the agent."""

Refusal: TypeAlias = Literal[
    "already_present",
    "already_started",
    "running",
    "restarting",
    "not_found",
    "max_children",
    "simple_one_for_one",
    "itself",
]
"""Why a supervisor refuses a call on a child: OTP's words of `{error, Reason}`; and "itself", of who waits for it."""
