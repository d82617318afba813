"""What classes are called in records.

Those of a program that is run as a script go by the name that its module has where it is imported: what `python job.py`
keeps is found by `python -m job`, and by whoever imports `job`.
"""

import sys
from pathlib import Path


def recorded_name(cls: type) -> str:
    """Return what a class is called in records, whether it is found by that or not: "shop.orders:Order"."""
    return f"{recorded_module(cls.__module__)}:{cls.__qualname__}"


def recorded_module(module: str) -> str:
    """Return what a module is called in records."""
    return script() if module == "__main__" else module


def script() -> str:
    """Return the name by which the module of the program would be imported; `__main__` if it couldn't be."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)  # with `python -m`
    name = spec.name if spec is not None else Path(getattr(main, "__file__", None) or "").stem
    return name if name and all(map(str.isidentifier, name.split("."))) else "__main__"
