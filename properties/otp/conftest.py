import pytest

from properties.otp._oracle import NEEDS, available


@pytest.fixture(scope="session")
def erl() -> None:
    """The installed Erlang/OTP; a test that asks for it is skipped, loudly, where there is none."""
    if not available():
        pytest.skip(NEEDS)
