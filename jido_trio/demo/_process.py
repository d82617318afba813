"""A process that reads: paths come in as lines of JSON, what is found goes out. `python -m jido_trio.demo._process`.

What holds the interpreter for seconds, or takes the process down with it, does so here and not among the agents.
"""

import json
import logging
import sys
from typing import TextIO

from attrs import asdict

from jido_trio.demo._documents import Unreadable, read_document
from jido_trio.demo._facts import facts_of


def answer(path: str) -> dict[str, object]:
    """Return the facts of the document, or why it can't be read, or what crashed."""
    try:
        return {"facts": asdict(facts_of(read_document(path)))}
    except Unreadable as error:
        return {"unreadable": error.reason}
    except Exception as error:  # noqa: BLE001  # a bug: it crashes the worker that asked, there and not here
        return {"crash": f"{type(error).__name__}: {error}"}


def serve(paths: TextIO, answers: TextIO) -> None:
    """Say that it is ready, then answer path by path until there are no more."""
    _say(answers, {"ready": True})
    for line in paths:
        _say(answers, answer(json.loads(line)))


def _say(answers: TextIO, what: dict[str, object]) -> None:
    answers.write(json.dumps(what) + "\n")
    answers.flush()


if __name__ == "__main__":
    logging.disable()  # of pypdf's complaints the answer has all that matters
    stdout, sys.stdout = sys.stdout, sys.stderr  # what anybody prints must not look like an answer
    serve(sys.stdin, stdout)
