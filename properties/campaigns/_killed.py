"""Points at which a program kills itself, and effects that no kill takes back.

`python -m properties.campaigns._killed MODULE`: for each line on stdin, `[folder, point, url]` as JSON, have the
module's `main(url)` run in a process of its own, which is forked when all imports are done. Its exit code is a line on
stdout; what it prints is in the folder, in `said`.
"""

import json
import os
import signal
import sys
from importlib import import_module
from itertools import count
from pathlib import Path

SECONDS = 120
"""That one start may take."""

_folder, _killed_at, _points = Path(), 0, count(1)


def point(name: str) -> None:
    """Die here, if it is the time, and leave the name of the place."""
    if next(_points) == _killed_at:
        _write("died", name)
        os.kill(os.getpid(), signal.SIGKILL)


def effect(what: str) -> None:
    """Do something to the world."""
    _write("effects", what)


def file(name: str) -> str:
    """Return the path of a file of this run."""
    return str(_folder / name)


def _write(name: str, line: str) -> None:
    with (_folder / name).open("a") as lines:
        lines.write(f"{line}\n")
        lines.flush()
        os.fsync(lines.fileno())


def _run(module: str, folder: str, at: int, url: str) -> None:
    global _folder, _killed_at
    _folder, _killed_at = Path(folder), at
    said = os.open(_folder / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    (_folder / "pid").write_text(str(os.getpid()))
    signal.alarm(SECONDS)
    import_module(module).main(url)


def _serve(module: str) -> None:
    import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(module, *json.loads(line))
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    from properties.campaigns import _killed  # the module that programs import, and not this script

    _killed._serve(sys.argv[1])
