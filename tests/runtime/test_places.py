"""Who takes a place in a mailbox: others, casts and calls alike, and never the agent itself."""

import trio

from jido_trio.core import Signal
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._messages import Call, News, Own


def signal(type: str = "x") -> Signal:
    return Signal(type)


def test_a_call_takes_a_place_and_gives_it_back():
    mailbox = Mailbox(1)
    mailbox.put_call(Call(signal(), "a"))
    assert (mailbox.taken, mailbox.full) == (1, True)
    mailbox.take()
    assert (mailbox.taken, mailbox.full) == (0, False)


def test_what_an_agent_sends_itself_and_news_free_no_place():
    mailbox = Mailbox(1)
    mailbox.put(Own(signal("own")))
    mailbox.put(News(signal("news")))
    mailbox.put_in_place(signal("other"))
    mailbox.take()
    mailbox.take()
    assert (mailbox.taken, mailbox.full) == (1, True)


async def test_a_call_that_gets_the_place_of_another_takes_it(autojump_clock):
    mailbox = Mailbox(1)
    mailbox.put_in_place(signal())
    waiting = Call(signal("call"), "a")
    mailbox.park_call(waiting)
    mailbox.take()
    assert mailbox.full
    assert mailbox.take() is waiting
    await trio.lowlevel.checkpoint()
    assert not mailbox.full
