"""A process that reads: paths come in as lines of JSON, what is found goes out. `python -m jido_trio.demo._process`.

While it reads a PDF of several pages, a line goes out for each: `{"page": 3, "of": 12}`.

What holds the interpreter for seconds, or takes the process down with it, does so here and not among the agents.
"""

import json
import logging
import sys
from collections.abc import Callable
from typing import TextIO

from attrs import asdict

from jido_trio.demo._documents import Unreadable, no_news, read_document
from jido_trio.demo._facts import facts_of

try:
    import resource
except ModuleNotFoundError:  # on Windows
    resource = None  # type: ignore[assignment]

MEMORY = 1 << 30
"""So many bytes a process that reads may use, where the system can limit that: some files unfold to far more."""


def answer(path: str, turn: Callable[[int, int], None] = no_news) -> dict[str, object]:
    """Return the facts of the document, or why it can't be read, or what crashed; `turn` is told of pages."""
    try:
        return {"facts": asdict(facts_of(read_document(path, turn=turn)))}
    except Unreadable as error:
        return {"unreadable": error.reason}
    except MemoryError:
        return {"unreadable": f"takes more than {MEMORY >> 20} MiB of memory to read"}
    except Exception as error:  # noqa: BLE001  # a bug: it crashes the worker that asked, there and not here
        return {"crash": f"{type(error).__name__}: {error}"}


def limit_memory(most: int = MEMORY) -> None:
    """Have this process get no more memory than so many bytes, where the system can do that."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def serve(paths: TextIO, answers: TextIO) -> None:
    """Say that it is ready, then answer path by path until there are no more."""

    def turn(page: int, of: int) -> None:
        if of > 1:
            _say(answers, {"page": page, "of": of})

    _say(answers, {"ready": True})
    for line in paths:
        _say(answers, answer(json.loads(line), turn))


def _say(answers: TextIO, what: dict[str, object]) -> None:
    answers.write(json.dumps(what) + "\n")
    answers.flush()


if __name__ == "__main__":
    limit_memory()
    logging.disable()  # of pypdf's complaints the answer has all that matters
    stdout, sys.stdout = sys.stdout, sys.stderr  # what anybody prints must not look like an answer
    serve(sys.stdin, stdout)
