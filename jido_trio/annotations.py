"""What functions and classes are annotated with, where a name may not be there at run time. Imports nothing of ours.

From Python 3.14 on annotations are read when they are asked for (PEP 649), so that those of whoever imports a name for
type checkers alone, or defines it further down, can't be read, and reading them raises. Here they are what can be read.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import Format, get_annotations

__all__ = ["annotations_of", "signature_of"]

_READABLE: Any = {"annotation_format": Format.FORWARDREF} if sys.version_info >= (3, 14) else {}


def annotations_of(of: Any) -> Mapping[str, object]:
    """Return the annotations of a function, or those of a class that it has itself."""
    return get_annotations(of, format=Format.FORWARDREF)


def signature_of(function: Callable[..., Any], *, follow_wrapped: bool = True) -> inspect.Signature:
    """Return the signature of a function."""
    return inspect.signature(function, follow_wrapped=follow_wrapped, **_READABLE)
