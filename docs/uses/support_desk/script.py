"""Stands for a model that supports customers, for `support.py`: needs no network, and no key."""

import json
import re
from typing import Any

import trio

from jido_trio import ai


class Script:
    """Stands for a model: looks things up, sends money back for what is lost, and says what the help pages say."""

    async def stream(self, request: ai.ModelRequest, tell: Any) -> ai.ModelReply:
        await trio.lowlevel.checkpoint()
        said = self.reply(*request.prompt.messages)
        if isinstance(said, str):
            return ai.ModelReply(said, (), "stop")
        return ai.ModelReply(
            "", tuple(ai.ToolCall(name, name, json.dumps(given)) for name, given in said), "tool_calls"
        )

    def reply(self, mail: Any, *rest: ai.Message) -> Any:
        order = re.search(r"A-\d+", mail.text)
        told = [message.content for message in rest if isinstance(message, ai.ToolMessage)]
        if not told:
            return [("search", {"words": mail.text}), *([("order", {"number": order[0]})] if order else [])]
        if order and '"lost"' in told[1] and len(told) == 2:
            return [("refund", {"order": order[0]})]
        if len(told) > 2:
            return "Your money is on its way." if "refunded" in told[2] else "We can't send your money back."
        return json.loads(told[0])["found"][0].partition("\n\n")[2].strip()
