"""Steps in DBOS: a step of a workflow, whose outcome is committed; at the start the workflow goes on by itself."""

from benchmarks.peers._steps import FILE, TO, alike, begin, end, stepped

alike()

from dbos import DBOS, SetWorkflowID  # type: ignore[import-not-found]  # noqa: E402

DBOS(config={"name": "steps", "system_database_url": f"sqlite:///{FILE}", "log_level": "CRITICAL"})


@DBOS.step()  # type: ignore[untyped-decorator]
def add(total: int) -> int:
    """Add one."""
    return total + 1


@DBOS.workflow()  # type: ignore[untyped-decorator]
def count(first: int) -> int:
    """Add until the number is reached; then die, or return."""
    total = 0
    while total < TO:
        total = add(total)
        if total > first:
            stepped()
    end(total)
    return total


begin()
DBOS.launch()
if not DBOS.list_workflows():
    with SetWorkflowID("c"):
        DBOS.start_workflow(count, 0).get_result()
else:  # it was begun by the launch
    DBOS.retrieve_workflow("c").get_result()
