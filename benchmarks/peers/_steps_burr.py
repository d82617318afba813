"""Steps in Burr: an action of an application whose state is saved after each, by its SQLite persister."""

from typing import Any

from benchmarks.peers._steps import FILE, alike, begin, loop

alike()

from burr.core import ApplicationBuilder, State, action  # type: ignore[import-not-found]  # noqa: E402
from burr.core.persistence import SQLitePersister  # type: ignore[import-not-found]  # noqa: E402


@action(reads=["total"], writes=["total"])  # type: ignore[untyped-decorator]
def add(state: State) -> State:
    """Add one."""
    return state.update(total=state["total"] + 1)


begin()
persister = SQLitePersister(FILE, table_name="steps")
persister.initialize()
app: Any = (
    ApplicationBuilder()
    .with_actions(add=add)
    .with_transitions(("add", "add"))
    .with_identifiers(app_id="c", partition_key="steps")
    .initialize_from(persister, resume_at_next_action=True, default_state={"total": 0}, default_entrypoint="add")
    .with_state_persister(persister)
    .build()
)


def step() -> int:
    """Run the action once."""
    _, _, state = app.step()
    return int(state["total"])


loop(app.state["total"], step)
