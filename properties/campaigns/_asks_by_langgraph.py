"""The same request on LangGraph, by its SQLite saver, durability "sync"; run by a Python that has it, see `_killed`."""

from typing import Any

from properties.campaigns._killed import effect, file, point

from langchain.agents import create_agent  # type: ignore[import-not-found]  # isort: skip
from langchain_core.messages import AIMessage  # type: ignore[import-not-found]  # isort: skip
from langchain_core.tools import tool  # type: ignore[import-not-found]  # isort: skip
from langchain_openai import ChatOpenAI  # type: ignore[import-not-found]  # isort: skip
from langgraph.checkpoint.sqlite import SqliteSaver  # type: ignore[import-not-found]  # isort: skip


@tool
def look() -> str:
    """Harmless."""
    point("a tool begins")
    effect("look")
    point("a tool has acted")
    return "snow"


@tool
def pay() -> str:
    """Must happen once."""
    point("a tool begins")
    effect("pay")
    point("a tool has acted")
    return "paid"


class Client(ChatOpenAI):  # type: ignore[misc]
    """The model, with points around it."""

    def _generate(self, *given: Any, **options: Any) -> Any:
        point("a request is made")
        reply = super()._generate(*given, **options)
        point("the program has the reply")
        return reply


def with_points(saver: Any) -> Any:
    """Return a saver with a point before and after each commit."""
    for name in ("put", "put_writes"):
        setattr(saver, name, around(getattr(saver, name)))
    return saver


def around(commit: Any) -> Any:
    """Return a commit between two points."""

    def committed(*given: Any, **options: Any) -> Any:
        point("before a commit")
        done = commit(*given, **options)
        point("after a commit")
        return done

    return committed


def is_answer(values: Any) -> bool:
    """Tell whether the last message is the model's, and asks for no tool."""
    said = values.get("messages", [])
    return bool(said) and isinstance(said[-1], AIMessage) and not said[-1].tool_calls


def main(url: str) -> None:
    """Ask, or go on where a former process was, and print the answer."""
    with SqliteSaver.from_conn_string(file("chat.db")) as saver:
        model = Client(model="m", base_url=url, api_key="sk-1", max_retries=0)
        agent: Any = create_agent(model, [look, pay], checkpointer=with_points(saver))
        config: Any = {"configurable": {"thread_id": "ann"}}
        point("before it is asked")
        state = agent.get_state(config)
        if state.metadata is None:  # nothing is known of it
            done = agent.invoke({"messages": [("user", "Oslo")]}, config, durability="sync")
        elif is_answer(state.values):
            done = state.values
        else:  # `state.next` is empty at some points where it isn't done, so it is no guide
            done = agent.invoke(None, config, durability="sync")
        point("after the answer")
        print(done["messages"][-1].content)
