"""What tests and commands need of `ai` beside what is for users.

Nothing here is promised.
"""

from jido_trio.ai._budget import share
from jido_trio.ai._client import check_client, holding
from jido_trio.ai._flights import chat_of
from jido_trio.ai._history import chat_log, said_instead
from jido_trio.ai._render import plain_prompt
from jido_trio.ai._tools import concealed_call, services_of

__all__ = [
    "chat_log",
    "chat_of",
    "check_client",
    "concealed_call",
    "holding",
    "plain_prompt",
    "said_instead",
    "services_of",
    "share",
]
