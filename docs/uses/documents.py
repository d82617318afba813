"""Document processing: count the words of each document in a folder, whatever is wrong with some of them.

    python documents.py FOLDER shelf.db

Nobody who reads a file has a `try` in it. A file that nobody can read crashes the worker that reads it; the worker is
restarted, the others don't notice, and the file is refused with the reason. What is done is on disk: killed with -9 and
started again, the program goes on with the files that are left.
"""

import json
import sys
from pathlib import Path

import trio
from attrs import field, frozen
from pypdf import PdfReader

from jido_trio import Action, Agent, Context, Jido, Result
from jido_trio.errors import CallError
from jido_trio.groups import Pool, open_pool
from jido_trio.runtime import AgentRef
from jido_trio.storage import open_sqlite


def text_of(path: Path) -> str:
    """Return the text of a document; it raises what it raises."""
    match path.suffix:
        case ".pdf":
            return " ".join(page.extract_text() for page in PdfReader(path).pages)
        case ".json":
            return " ".join(map(str, json.loads(path.read_text(encoding="utf-8"))))
        case _:
            return path.read_text(encoding="utf-8")


# ---- reading


@frozen
class Desk:
    words: int = 0


class Read(Action):
    path: str

    async def run(self, context: Context[Desk]) -> Result:
        text = await trio.to_thread.run_sync(text_of, Path(self.path), abandon_on_cancel=True)
        return {"words": len(text.split())}


class Reader(Agent[Desk], routes={"read": Read}):
    """Reads one document at a time."""


# ---- remembering


@frozen
class Shelf:
    words: dict[str, int] = field(factory=dict)
    refused: dict[str, str] = field(factory=dict)


class Enter(Action):
    path: str
    words: int

    def run(self, context: Context[Shelf]) -> Result:
        return {"words": {self.path: self.words}}


class Refuse(Action):
    path: str
    reason: str

    def run(self, context: Context[Shelf]) -> Result:
        return {"refused": {self.path: self.reason}}


class Librarian(Agent[Shelf], routes={"enter": Enter, "refuse": Refuse}, durable=True):
    """Knows what became of each document, also after a kill."""


# ---- the program


def documents(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if not path.is_dir())


async def process(path: str, readers: Pool[Reader], librarian: AgentRef[Librarian]) -> None:
    try:
        settled = await readers.call(Read(path=path), until="settled", checkout=None)
    except CallError as error:
        await librarian.call(Refuse(path=path, reason=f"{error}"))
    else:
        await librarian.call(Enter(path=path, words=settled.agent.state.words))
    print("done:", path, flush=True)


async def main(folder: Path, store: Path, workers: int = 4) -> Shelf:
    """Process what is left of the folder, and return what became of all of it."""
    async with (
        Jido("documents", storage=open_sqlite(store), on_report=lambda report: None) as jido,
        open_pool(jido, Reader, name="reader", size=workers) as readers,
    ):
        librarian = await jido.start_agent(Librarian, id="librarian")
        known = {*librarian.agent.state.words, *librarian.agent.state.refused}
        async with trio.open_nursery() as nursery:
            for path in documents(folder):
                if path not in known:
                    nursery.start_soon(process, path, readers, librarian)
        return librarian.agent.state


if __name__ == "__main__":
    shelf = trio.run(main, Path(sys.argv[1]), Path(sys.argv[2]))
    for path, reason in sorted(shelf.refused.items()):
        print("refused:", path, reason[:100])
    print(f"{len(shelf.words)} documents, {sum(shelf.words.values())} words, {len(shelf.refused)} refused")
