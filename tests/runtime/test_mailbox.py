"""Mailbox: order, bound, the lane of the stop, and what is left when it closes."""

from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from jido_trio.runtime._mailbox import Mailbox


def filled(*messages: object, capacity: int = 10) -> Mailbox[object]:
    mailbox: Mailbox[object] = Mailbox(capacity)
    for message in messages:
        mailbox.put_over(message)
    return mailbox


async def test_messages_are_taken_in_the_order_in_which_they_were_put():
    mailbox = filled(1, 2)
    mailbox.put_nowait(3)

    assert [await mailbox.take() for _ in range(3)] == [1, 2, 3]


async def test_a_taker_waits_for_the_first_message(autojump_clock):
    mailbox, taken = filled(), []

    async def take():
        taken.append((await mailbox.take(), trio.current_time()))

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        await trio.sleep(2)
        mailbox.put_nowait("late")

    assert taken == [("late", start + 2)]


async def test_nothing_more_than_its_capacity_is_put_at_once():
    mailbox = filled("a", capacity=1)

    with pytest.raises(trio.WouldBlock):
        mailbox.put_nowait("b")
    assert len(mailbox) == 1


async def test_what_is_put_over_finds_room_in_a_full_mailbox():
    mailbox = filled("a", capacity=1)
    mailbox.put_over("b")

    assert len(mailbox) == 2


async def test_a_sender_waits_for_room_and_senders_are_served_in_turn(autojump_clock):
    mailbox = filled(0, capacity=1)
    taken = []
    async with trio.open_nursery() as nursery:
        for number in (1, 2, 3):
            nursery.start_soon(mailbox.put, number)
            await wait_all_tasks_blocked()
        for _ in range(4):
            taken.append(await mailbox.take())
            await wait_all_tasks_blocked()

    assert taken == [0, 1, 2, 3]


async def test_a_sender_that_was_overtaken_waits_on():
    mailbox = filled("a", capacity=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.put, "patient")
        await wait_all_tasks_blocked()
        mailbox.take_nowait()
        mailbox.put_nowait("quick")
        await wait_all_tasks_blocked()
        assert len(mailbox) == 1

        assert mailbox.take_nowait() == "quick"

    assert mailbox.take_nowait() == "patient"


async def test_a_sender_that_gives_up_puts_nothing(autojump_clock):
    mailbox = filled("a", capacity=1)
    with trio.move_on_after(1):
        await mailbox.put("b")
    mailbox.take_nowait()

    assert mailbox.take_nowait() is None


async def test_a_stop_is_before_whatever_waits():
    mailbox = filled("a", "b")
    mailbox.stop()

    assert await mailbox.take() is None
    assert len(mailbox) == 2


async def test_a_stop_wakes_the_waiting_taker(autojump_clock):
    mailbox, taken = filled(), []

    async def take():
        taken.append(await mailbox.take())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        await wait_all_tasks_blocked()
        mailbox.stop()

    assert taken == [None]


async def test_waiting_for_the_stop_takes_nothing(autojump_clock):
    mailbox = filled("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.wait_stopped)
        await wait_all_tasks_blocked()
        mailbox.put_nowait("b")
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        mailbox.stop()

    assert len(mailbox) == 2


async def test_a_reopened_mailbox_has_what_was_left():
    mailbox = filled("a")
    mailbox.stop()
    mailbox.reopen()

    assert await mailbox.take() == "a"


async def test_a_taker_that_is_cancelled_takes_nothing(autojump_clock):
    mailbox = filled(capacity=1)
    with trio.move_on_after(1):
        await mailbox.take()
    mailbox.put_nowait("kept")

    assert mailbox.take_nowait() == "kept"


async def test_closing_returns_what_is_left_and_turns_senders_away(autojump_clock):
    mailbox = filled("a", "b", capacity=2)
    refused = []

    async def put():
        with pytest.raises(trio.ClosedResourceError):
            await mailbox.put("c")
        refused.append("c")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(put)
        await wait_all_tasks_blocked()
        left = mailbox.close()

    assert (left, refused, len(mailbox)) == (["a", "b"], ["c"], 0)


@pytest.mark.parametrize("put", [Mailbox.put_nowait, Mailbox.put_over])
async def test_a_closed_mailbox_takes_nothing_in(put):
    mailbox = filled(capacity=1)
    mailbox.close()

    with pytest.raises(trio.ClosedResourceError):
        partial(put, mailbox)("a")


def test_its_repr_tells_how_full_it_is():
    mailbox = filled("a", "b", capacity=3)
    assert repr(mailbox) == "<Mailbox 2/3>"

    mailbox.stop()
    assert repr(mailbox) == "<Mailbox 2/3 stopped>"
