"""How a life ended, from what left its function."""

import pytest

from jido_trio.errors import RestartIntensityExceeded, StartFailed
from jido_trio.supervision import Shutdown
from jido_trio.supervision._exit import exit_kind

GAVE_UP = RestartIntensityExceeded("s", "a", 4, 3, 5)


@pytest.mark.parametrize(
    "error",
    [
        Shutdown(),
        Shutdown("enough"),
        GAVE_UP,
        ExceptionGroup("all on purpose", [Shutdown(), Shutdown("b")]),
        ExceptionGroup("deep", [ExceptionGroup("down", [Shutdown()]), GAVE_UP]),
    ],
)
def test_what_is_all_on_purpose_is_a_shutdown(error):
    assert exit_kind(error) == "shutdown"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        StartFailed("s", "a", "no"),
        ExceptionGroup("one", [ValueError("bad")]),
        ExceptionGroup("mixed", [Shutdown(), ValueError("bad")]),
        ExceptionGroup("deep", [Shutdown(), ExceptionGroup("down", [Shutdown(), OSError()])]),
    ],
)
def test_anything_else_is_a_crash_also_among_shutdowns(error):
    assert exit_kind(error) == "crash"


def test_a_shutdown_keeps_its_reason():
    assert (Shutdown("enough").reason, str(Shutdown("enough"))) == ("enough", "enough")
