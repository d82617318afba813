"""The tool: a model looks for passages in the library that its instance has."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from attrs import field, validators
from typing_extensions import Doc

from jido_trio.ai.retrieval._library import Library
from jido_trio.ai.retrieval._passages import Passage
from jido_trio.core import Action, Context

MOST_CHARACTERS = 8000
"""Of all passages that a model is told at once."""


class SearchLibrary(Action, name="search_library", description="Finds passages in the documents that there are"):
    """Looks in `context.resources[Library]`.

    Give the agent `Tool(SearchLibrary, replay="safe")`, and the instance `resources={Library: library}`.
    What the model is told is a list of `{"source": ..., "text": ...}`, the best first, of at most 8,000 characters.
    """

    query: Annotated[str, Doc("Words or a question")] = field(
        validator=validators.and_(validators.min_len(1), validators.max_len(500))
    )
    limit: Annotated[int, Doc("How many passages")] = field(
        default=5, validator=validators.and_(validators.ge(1), validators.le(20))
    )

    async def run(self, context: Context[Any]) -> Any:
        """Return the passages as plain data."""
        found = await context.resources[Library].search(self.query, self.limit)
        return list(_told(found)) or "nothing was found"


def _told(passages: Sequence[Passage]) -> Iterator[dict[str, str]]:
    room = MOST_CHARACTERS
    for passage in passages:
        text = passage.text if len(passage.text) <= room else passage.text[: max(room - 1, 0)] + "…"
        yield {"source": passage.source, "text": text}
        room -= len(text)
        if room <= 0:
            return
