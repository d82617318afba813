"""Steps in LangGraph: a node that leads to itself, each superstep committed before the next, by its SQLite saver."""

import sqlite3
from typing import Any, TypedDict

from benchmarks.peers._steps import FILE, TO, begin, end, set_up, stepped

from langgraph.checkpoint.sqlite import SqliteSaver  # type: ignore[import-not-found]  # isort: skip
from langgraph.graph import END, START, StateGraph  # type: ignore[import-not-found]  # isort: skip


class Count(TypedDict):
    """The state."""

    total: int


def add(state: Count) -> dict[str, int]:
    """Add one."""
    return {"total": state["total"] + 1}


def where(state: Count) -> str:
    """Go on until the number is reached."""
    stepped()
    return "add" if state["total"] < TO else END


begin()
connection = sqlite3.connect(FILE, check_same_thread=False)
set_up(connection)
builder: Any = StateGraph(Count)
builder.add_node("add", add)
builder.add_edge(START, "add")
builder.add_conditional_edges("add", where)
graph: Any = builder.compile(checkpointer=SqliteSaver(connection))
config = {"configurable": {"thread_id": "c"}, "recursion_limit": TO + 10}
known = graph.get_state(config)
if not known.values:
    found = graph.invoke({"total": 0}, config, durability="sync")
elif known.next:
    found = graph.invoke(None, config, durability="sync")
else:  # what it was asked for it has done; it is asked for more
    found = graph.invoke({"total": known.values["total"]}, config, durability="sync")
end(found["total"])
