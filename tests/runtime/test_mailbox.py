"""Mailbox: order, places, who waits for one, and what is left when it closes."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import Agent, Signal
from jido_trio.errors import AgentStopped
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._messages import Call, Kill, News, Own


def signal(word: object) -> Signal:
    return Signal("said", {"word": word})


def filled(*words: object, capacity: int = 10) -> Mailbox:
    mailbox = Mailbox(capacity)
    for word in words:
        mailbox.put_in_place(signal(word))
    return mailbox


def words(messages) -> list[object]:
    return [getattr(message, "signal", message).data["word"] for message in messages]


def taken(mailbox: Mailbox) -> list[object]:
    """All that is in a mailbox, in order."""
    found = []
    while (message := mailbox.take()) is not None:
        found.append(message)
    return words(found)


FIRST, SECOND = Agent("first", None), Agent("second", None)


def stopped() -> AgentStopped:
    return AgentStopped("a")


def test_messages_are_taken_in_the_order_in_which_they_were_put():
    mailbox = filled(1, 2)
    mailbox.put(News(signal(3)))
    mailbox.put_in_place(signal(4))

    assert taken(mailbox) == [1, 2, 3, 4]


def test_an_empty_mailbox_holds_nothing_not_even_a_queue():
    mailbox = filled(1, 2)
    taken(mailbox)

    assert (mailbox.queue, mailbox.taken, len(mailbox), mailbox.take()) == (None, 0, 0, None)


def test_what_others_send_takes_a_place_and_what_the_agent_sends_itself_does_not():
    mailbox = filled(1, capacity=2)
    for word in range(5):
        mailbox.put(Own(signal(word)))
    before = mailbox.full
    mailbox.put_call(Call(signal("call"), "a"))

    assert (before, mailbox.full, len(mailbox)) == (False, True, 7)


def test_a_kill_is_put_behind_the_first_few():
    mailbox, kill = filled(*range(4)), Kill(1)
    mailbox.put_kill(kill, 2)
    empty = filled()
    empty.put_kill(kill, 2)

    assert [mailbox.take() for _ in range(5)][2] is kill
    assert empty.take() is kill


def test_a_kill_is_no_message_that_waits():
    mailbox = filled(1)
    mailbox.put_kill(Kill(1), 0)
    before = len(mailbox)
    mailbox.take()

    assert (before, len(mailbox)) == (1, 1)


async def test_senders_get_places_in_turn_as_they_get_free(autojump_clock):
    mailbox, found = filled(0, capacity=1), []
    async with trio.open_nursery() as nursery:
        for number in (1, 2, 3):
            nursery.start_soon(mailbox.park, signal(number))
            await wait_all_tasks_blocked()
        mailbox.park_call(Call(signal("call"), "a"))
        for _ in range(5):
            found.append(mailbox.take())
            await wait_all_tasks_blocked()

    assert words(found) == [0, 1, 2, 3, "call"]


async def test_a_place_that_gets_free_is_never_free_for_one_who_comes_just_then(autojump_clock):
    mailbox = filled("a", capacity=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.park, signal("patient"))
        await wait_all_tasks_blocked()
        mailbox.take()

        assert mailbox.full

    assert taken(mailbox) == ["patient"]


async def test_all_who_wait_get_in_although_the_mailbox_is_emptied_in_one_turn(autojump_clock):
    mailbox, found = filled(*range(3), capacity=3), []
    async with trio.open_nursery() as nursery:
        for number in range(3, 20):
            nursery.start_soon(mailbox.park, signal(number))
            await wait_all_tasks_blocked()
        found = taken(mailbox)

    assert found == list(range(20))


async def test_a_sender_that_gives_up_puts_nothing(autojump_clock):
    mailbox = filled("a", capacity=1)
    with trio.move_on_after(1):
        await mailbox.park(signal("b"))

    assert taken(mailbox) == ["a"]


def test_a_parked_call_that_nobody_waits_for_gets_no_place():
    mailbox = filled("a", capacity=1)
    withdrawn = Call(signal("late"), "a")
    mailbox.park_call(withdrawn)
    mailbox.park_call(Call(signal("next"), "a"))
    withdrawn.expire(1)

    assert taken(mailbox) == ["a", "next"]


def test_a_call_that_ran_out_of_time_gives_its_place_to_who_waits_longest():
    mailbox = filled("a", capacity=2)
    late = Call(signal("late"), "a")
    mailbox.put_call(late)
    for word in ("b", "c"):
        mailbox.park_call(Call(signal(word), "a"))
    late.expire(1)

    assert (mailbox.taken, len(mailbox)) == (2, 2)
    assert taken(mailbox) == ["a", "b", "c"]


async def test_a_call_that_is_cancelled_gives_its_place_to_who_waits_longest(autojump_clock):
    mailbox = filled("a", capacity=2)
    cancelled = Call(signal("cancelled"), "a")
    mailbox.put_call(cancelled)
    mailbox.park_call(Call(signal("b"), "a"))
    with trio.move_on_after(1):
        await cancelled.wait()

    assert taken(mailbox) == ["a", "b"]
    assert (mailbox.taken, mailbox.queue) == (0, None)


def test_calls_that_were_given_up_gather_in_no_queue():
    mailbox = filled("a", capacity=10)
    for _ in range(10_000):
        call = Call(signal("late"), "a")
        mailbox.put_call(call)
        call.expire(1)

    assert mailbox.queue is not None
    assert (len(mailbox), len(mailbox.queue) < 200) == (1, True)
    assert taken(mailbox) == ["a"]


def test_a_call_that_was_taken_has_no_place_to_give_up():
    mailbox = Mailbox(1)
    call = Call(signal("a"), "a")
    mailbox.put_call(call)
    mailbox.take()
    call.expire(1)

    assert (mailbox.taken, len(mailbox), mailbox.counts.expired) == (0, 0, 0)


async def test_closing_returns_what_is_left_and_turns_away_who_waits(autojump_clock):
    mailbox, told = filled("a", "b", capacity=2), []
    call = Call(signal("d"), "a")

    async def park():
        with pytest.raises(AgentStopped):
            await mailbox.park(signal("c"))
        told.append("c")

    async def wait():
        with pytest.raises(AgentStopped):
            await call.wait()
        told.append("d")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(park)
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        mailbox.park_call(call)
        left = words(mailbox.close(stopped))

    assert (left, sorted(told), len(mailbox)) == (["a", "b"], ["c", "d"], 0)


def test_its_repr_tells_how_full_it_is():
    assert repr(filled("a", "b", capacity=3)) == "<Mailbox 2/3>"


# ---- replies


async def test_a_caller_gets_the_first_answer_and_no_other(autojump_clock):
    reply, got = Call(signal("x"), "a"), []

    async def wait():
        got.append(await reply.wait())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        reply.settle(FIRST)
        reply.settle(SECOND)
        reply.settle(stopped())
        reply.expire(3)

    assert got == [FIRST]


async def test_an_answer_that_came_before_the_caller_waits_is_not_lost(autojump_clock):
    reply = Call(signal("x"), "a")
    reply.settle(FIRST)

    assert await reply.wait() == FIRST


async def test_an_error_that_came_before_the_caller_waits_is_raised(autojump_clock):
    reply = Call(signal("x"), "a")
    reply.settle(stopped())
    reply.settle(FIRST)

    with pytest.raises(AgentStopped):
        await reply.wait()


async def test_a_caller_that_is_cancelled_is_answered_no_more(autojump_clock):
    reply = Call(signal("x"), "a")
    with trio.move_on_after(1):
        await reply.wait()
    reply.settle(FIRST)

    assert reply.settled
