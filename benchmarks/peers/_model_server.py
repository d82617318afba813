"""A server that stands for a provider of models: a stream of chat completions, the same each time, or one that stalls.

`python -m benchmarks.peers._model_server`: it prints its address. It is a program of its own, so that its time isn't
that of the program which asks. A request whose model is "stalls" is sent so much text, and then nothing more.
"""

import json
import sys
from functools import partial

import trio

WORDS = 40
"""Of a reply, each an event."""
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def event(choices: list[object], **more: object) -> bytes:
    """Return an event as a chunk of HTTP."""
    data = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices, **more}
    text = f"data: {json.dumps(data)}\n\n".encode()
    return f"{len(text):x}\r\n".encode() + text + b"\r\n"


def delta(content: dict[str, object], finish: str | None = None) -> bytes:
    """Return an event with a piece of a reply."""
    return event([{"index": 0, "delta": content, "finish_reason": finish}])


USAGE = event([], usage={"prompt_tokens": 12, "completion_tokens": WORDS, "total_tokens": 12 + WORDS})
DONE = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
TEXT = b"".join(delta({"content": "word "}) for _ in range(WORDS)) + delta({}, "stop") + USAGE + DONE
CALL = {"index": 0, "id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
TOOL = delta({"tool_calls": [CALL]}) + delta({}, "tool_calls") + USAGE + DONE


async def serve(text: bytes, stream: trio.SocketStream) -> None:
    """Answer one request after the other."""
    data = b""
    async with stream:
        while True:
            while b"\r\n\r\n" not in data:
                more = await stream.receive_some(65536)
                if not more:
                    return
                data += more
            head, _, data = data.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
            while len(data) < length:
                data += await stream.receive_some(65536)
            asked, data = json.loads(data[:length]), data[length:]
            if asked["model"] == "stalls":
                await stream.send_all(HEAD + text)
                await trio.sleep_forever()
            wants_tool = bool(asked.get("tools")) and asked["messages"][-1]["role"] != "tool"
            await stream.send_all(HEAD + (TOOL if wants_tool else TEXT))


async def main(characters: int) -> None:
    """Serve, and say where."""
    text = delta({"content": "x" * 1000}) * (characters // 1000)
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, partial(serve, text), listeners)
        print(f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1", flush=True)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if sys.argv[1:] else 0)
