"""The programs in docs/uses: as modules, and with their servers running."""

import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USES = Path(__file__).parents[2] / "docs/uses"


def module_of(program: str) -> Any:
    """Return a program as a module of its own; it isn't run as one."""
    spec: Any = importlib.util.spec_from_file_location(f"uses_{Path(program).stem}", USES / program)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where the names in its annotations are looked up
    spec.loader.exec_module(module)
    return module


@contextmanager
def served(server: Any) -> Iterator[Any]:
    """Have a server of the standard library serve in a thread, inside of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
