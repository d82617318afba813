"""A library: texts in a SQLite file, found by their words, by their meaning, or by both.

Words are found by SQLite's own full text search, FTS5. Vectors are compared one by one, by plain cosine: exact, with no
extension that a Python may not be able to load, and quick enough for the thousands of passages that a library may have.
Each change is one transaction, made in a thread, and embeddings are made before it begins.
"""

import sqlite3
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

import trio
from attrs import define, evolve, field

from jido_trio import checks
from jido_trio.ai._client import holding
from jido_trio.ai.retrieval._embedding import Embedder, nearness, packed, words_of
from jido_trio.ai.retrieval._passages import Passage, fused, passages_of
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

T = TypeVar("T")

MOST_PASSAGES = 20_000
"""In one library: all vectors are looked at for each search."""

_AT_ONCE = 64
"""Texts that an embedder is given at once."""

_MOST_WORDS = 64
"""Of a query."""

_CANDIDATES = 50
"""Passages that each way of finding names, before the best of both are taken."""

_BYTES = array("f").itemsize
"""Of a number in a vector."""

_SCHEMA = """
create table if not exists passages (
    id integer primary key, source text not null, number integer not null, text text not null, vector blob,
    unique (source, number)
);
create virtual table if not exists words using fts5 (text, content = passages, content_rowid = id);
create trigger if not exists added after insert on passages begin
    insert into words (rowid, text) values (new.id, new.text);
end;
create trigger if not exists removed after delete on passages begin
    insert into words (words, rowid, text) values ('delete', old.id, old.text);
end;
create table if not exists facts (name text primary key, value text not null);
"""


@define(eq=False)
class Library:
    """Texts, as `open_library` yields them."""

    _file: sqlite3.Connection
    _embedder: Embedder | None
    _characters: int
    _turn: trio.Lock = field(factory=trio.Lock)

    async def add(self, source: str, text: str) -> int:
        """Keep a text, in the place of what the source had, and return the number of its passages.

        Raises:
            ActionError: The embedder says no.
            InvalidDefinition: There would be too many passages, or vectors of another length than those that there
                are; or it is no text. Nothing was changed then.
        """
        checks.text("a library", "source", source, blank=True)
        checks.text("a library", "text", text, blank=True)
        pieces = passages_of(text, self._characters)
        vectors = await self._vectors(pieces)

        def put() -> None:
            self._check_length(vectors)
            _put(self._file, source, list(zip(pieces, vectors, strict=True)))

        await self._run(put)
        return len(pieces)

    async def remove(self, source: str) -> None:
        """Forget a text."""
        checks.text("a library", "source", source, blank=True)
        await self._run(lambda: _put(self._file, source, []))

    async def sources(self) -> tuple[str, ...]:
        """Return the sources of all texts."""
        found = await self._run(
            lambda: self._file.execute("select distinct source from passages order by source").fetchall()
        )
        return tuple(source for (source,) in found)

    async def search(self, query: str, limit: int = 5) -> tuple[Passage, ...]:
        """Return the passages that fit a query best, the best first; none if no word of it and no meaning is there.

        Raises:
            ActionError: The embedder says no.
            InvalidDefinition: The limit is no number from 1 to 50, the query no text; or the embedder makes vectors of
                another length than it did when texts were added.
        """
        if not isinstance(query, str):
            raise checks.refused("a search", "query", query, "must be a text")
        checks.whole("a search", "limit", limit, least=1)
        if limit > _CANDIDATES:
            raise checks.refused("a search", "limit", limit, f"must be at most {_CANDIDATES}")
        [vector] = await self._vectors([query])

        def find() -> tuple[Passage, ...]:
            self._check_length([vector])
            return _found(self._file, query, vector, limit)

        return await self._run(find)

    async def _vectors(self, texts: Sequence[str]) -> Sequence[bytes | None]:
        if self._embedder is None:
            return [None] * len(texts)
        vectors: list[bytes | None] = []
        for at in range(0, len(texts), _AT_ONCE):
            some = texts[at : at + _AT_ONCE]
            made = await self._embedder.embed(some)
            if len(made) != len(some):
                raise ValueError(f"embedder {shown(self._embedder.name)} made {len(made)} vectors of {len(some)} texts")
            vectors += map(packed, made)
        return vectors

    def _check_length(self, vectors: Sequence[bytes | None]) -> None:
        """Refuse vectors that can't be compared with those that there are."""
        made = {len(vector) for vector in vectors if vector is not None}
        for (kept,) in self._file.execute("select length(vector) from passages where vector is not null limit 1"):
            made.add(kept)
        if len(made) > 1:
            lengths = " and ".join(str(each // _BYTES) for each in sorted(made))
            raise InvalidDefinition(
                f"embedder {shown(getattr(self._embedder, 'name', None))} makes vectors of {lengths} numbers, which "
                "can't be compared: make a new library, with an embedder whose vectors are of one length"
            )

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._turn:
            return await trio.to_thread.run_sync(work)


@asynccontextmanager
async def open_library(
    path: str | Path = ":memory:", *, embedder: Embedder | None = None, characters: int = 1200
) -> AsyncIterator[Library]:
    """Open a library, or make it.

    Args:
        path: Its file; in memory if not given.
        embedder: Makes vectors of passages and queries; without one, words alone are looked for.
        characters: How long a passage may be.

    Raises:
        InvalidDefinition: It was made with another embedder, or an option is wrong.
        sqlite3.Error: The file is no SQLite file, or SQLite has no FTS5 here.
    """
    checks.whole("a library", "characters", characters, least=1)
    where = checks.path("a library", "path", path)
    name: object = getattr(embedder, "name", None) if embedder is not None else ""
    if not isinstance(name, str):
        raise checks.refused("a library", "embedder", embedder, "must have a `name`, a text, as Embedder says")
    file = await trio.to_thread.run_sync(lambda: sqlite3.connect(where, check_same_thread=False))
    with closing(file):
        await trio.to_thread.run_sync(lambda: _prepare(file, where, name))
        async with holding([embedder]):
            yield Library(file, embedder, characters)


def _prepare(file: sqlite3.Connection, path: str, embedder: str) -> None:
    file.executescript(_SCHEMA)
    with file:
        file.execute("insert or ignore into facts values ('embedder', ?)", (embedder,))
    [made_with] = file.execute("select value from facts where name = 'embedder'").fetchone()
    if made_with != embedder:
        raise InvalidDefinition(
            f"library {shown(path)} was made with {_named(made_with)}, and not {_named(embedder)}, whose vectors can't "
            "be compared: open it with that one, or make a new library"
        )


def _named(embedder: str) -> str:
    return f"embedder {shown(embedder)}" if embedder else "no embedder"


def _put(file: sqlite3.Connection, source: str, passages: Sequence[tuple[str, bytes | None]]) -> None:
    with file:
        file.execute("delete from passages where source = ?", (source,))
        [kept] = file.execute("select count(*) from passages").fetchone()
        if kept + len(passages) > MOST_PASSAGES:
            raise InvalidDefinition(
                f"a library has at most {MOST_PASSAGES} passages: {shown(source)} has {len(passages)}, and there are "
                f"{kept} already. Take a second library, or larger passages"
            )
        rows = [(source, number, text, vector) for number, (text, vector) in enumerate(passages)]
        file.executemany("insert into passages (source, number, text, vector) values (?, ?, ?, ?)", rows)


def _found(file: sqlite3.Connection, query: str, vector: bytes | None, limit: int) -> tuple[Passage, ...]:
    best = fused(_by_words(file, query), _by_meaning(file, vector))[:limit]
    read = "select source, number, text from passages where id = ?"
    passages = [Passage(*file.execute(read, (id,)).fetchone()) for id, _ in best]
    return tuple(evolve(passage, score=score) for passage, (_, score) in zip(passages, best, strict=True))


def _by_words(file: sqlite3.Connection, query: str) -> list[int]:
    words = list(dict.fromkeys(words_of(query)))[:_MOST_WORDS]
    if not words:
        return []
    any_of = " OR ".join(f'"{word}"' for word in words)
    order = "select rowid from words where words match ? order by rank, rowid limit ?"
    return [id for (id,) in file.execute(order, (any_of, _CANDIDATES))]


def _by_meaning(file: sqlite3.Connection, vector: bytes | None) -> list[int]:
    if vector is None:
        return []
    looked_for = array("f")
    looked_for.frombytes(vector)
    near = [
        (-nearness(looked_for, other), id)
        for id, other in file.execute("select id, vector from passages where vector is not null")
    ]
    return [id for nearness_, id in sorted(near)[:_CANDIDATES] if nearness_ < 0]
