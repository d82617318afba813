"""Judges that no one here wrote. They are in an extra of their own, and run by `./check --judges`."""

import pytest


@pytest.fixture
def judge(request):
    """A server that fails on demand, and has a verdict on its client: the package llmock."""
    pytest.importorskip("llmock", reason="llmock isn't installed: pip install 'jido-trio[judges]'")
    return request.getfixturevalue("llmock")
