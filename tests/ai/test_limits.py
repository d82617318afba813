"""Rate limits that several clients share, in virtual time."""

import copy
import pickle

import pytest
import trio
import trio.testing

from jido_trio.ai import Model, ModelFailure, ModelReply, ModelRequest, Models, Prompt, RateLimit, UserMessage
from jido_trio.errors import InvalidDefinition

REQUEST = ModelRequest(Prompt("m", "", (UserMessage("hi"),)), "m", "key")


class Slow:
    """Takes its time; notes when each call began."""

    def __init__(self, *replies, seconds=0.0):
        self.replies = list(replies)
        self.seconds = seconds
        self.began: list[float] = []
        self.flying = self.most = 0

    async def stream(self, request, tell):
        self.began.append(trio.current_time())
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            await trio.sleep(self.seconds)
        finally:
            self.flying -= 1
        return self.replies.pop(0) if self.replies else ModelReply("x", (), "stop")


async def all_at_once(*clients):
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.stream, REQUEST, lambda _: None)
            await trio.testing.wait_all_tasks_blocked()
    return start


async def test_two_clients_share_the_calls_of_a_time(autojump_clock):
    limit, slow = RateLimit(calls=2, seconds=10), Slow()
    one, two = limit.of(slow), limit.of(slow)
    start = await all_at_once(one, two, one, two, one)
    assert [at - start for at in slow.began] == [0, 0, 10, 10, 20]


async def test_no_more_are_in_flight_than_may_be(autojump_clock):
    limit, slow = RateLimit(at_once=2), Slow(seconds=1)
    await all_at_once(*[limit.of(slow)] * 5)
    assert (slow.most, len(slow.began)) == (2, 5)


async def test_what_a_provider_says_to_wait_all_wait(autojump_clock):
    limit, slow = RateLimit(), Slow(ModelFailure("busy", billed=False, retry_after=7))
    await limit.of(slow).stream(REQUEST, lambda _: None)
    start = await all_at_once(limit.of(slow), limit.of(slow))
    assert [at - start for at in slow.began[1:]] == [7, 7]


async def test_one_that_is_cancelled_while_it_waits_takes_nothing(autojump_clock):
    limit, slow = RateLimit(calls=1, seconds=10), Slow()
    client = limit.of(slow)
    await client.stream(REQUEST, lambda _: None)
    start = trio.current_time()
    with trio.move_on_after(3):
        await client.stream(REQUEST, lambda _: None)
    await client.stream(REQUEST, lambda _: None)
    assert slow.began[1] - start == 10


def test_another_run_of_trio_begins_anew():
    limit, slow = RateLimit(calls=1, seconds=1e6), Slow()
    for _ in range(2):
        trio.run(limit.of(slow).stream, REQUEST, lambda _: None)
    assert len(slow.began) == 2


@pytest.mark.parametrize("options", [{"calls": 0}, {"seconds": 0}, {"at_once": 0}])
def test_wrong_options_are_refused(options):
    with pytest.raises(InvalidDefinition, match="of a rate limit"):
        RateLimit(**options)


async def test_a_try_whose_turn_does_not_come_in_time_was_not_sent_and_costs_nothing(autojump_clock):
    limited = RateLimit(at_once=1).of(Slow(seconds=50))
    models = Models(m=Model("m", limited, timeout=30))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(limited.stream, REQUEST, lambda _: None)
        await trio.testing.wait_all_tasks_blocked()
        reply = await models.call(REQUEST.prompt, "key", lambda _: None)
    assert reply == ModelFailure("it was not its turn within 30 seconds", billed=False)


async def test_a_try_that_had_its_turn_and_takes_too_long_may_cost(autojump_clock):
    models = Models(m=Model("m", RateLimit(at_once=1).of(Slow(seconds=50)), timeout=30))
    reply = await models.call(REQUEST.prompt, "key", lambda _: None)
    assert reply == ModelFailure("no whole reply within 30 seconds")


async def test_a_copy_of_a_client_keeps_to_the_same_limit(autojump_clock):
    limit = RateLimit(at_once=1)
    models = Models(fast=Model("m", limit.of(Slow(seconds=5))))
    one, other = models["fast"].client, copy.deepcopy(models)["fast"].client
    start = await all_at_once(one, other, copy.copy(limit).of(Slow()))
    assert trio.current_time() - start == 10


def test_a_limit_is_not_pickled_and_says_why():
    with pytest.raises(TypeError, match="a rate limit holds within one process"):
        pickle.dumps(Model("m", RateLimit().of(Slow())))


def test_a_limit_that_is_given_twice_is_refused():
    limit = RateLimit(at_once=1)
    with pytest.raises(InvalidDefinition, match="keeps to this limit already"):
        limit.of(limit.of(Slow()))
