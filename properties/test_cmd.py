"""cmd is a function: of its arguments alone, which it leaves alone."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jido_trio import world
from jido_trio.core import Error, FrozenDict, FrozenList, Signal
from jido_trio.data import fingerprint
from jido_trio.testing import agents, commands
from properties.cmd_program import ACTIONS, Keeper, Ledger, answers

keepers = agents(Keeper)
orders = commands(*ACTIONS)
signals = st.none() | st.builds(
    Signal, st.just("go"), id=st.text("abc", min_size=1), time=st.just("2024-05-06T07:08:09Z")
)


@given(keepers, orders, signals, st.integers())
def test_the_same_arguments_give_the_same_answer_in_any_world(agent, order, signal, seed):
    first = agent.cmd(order, signal=signal)
    with world.using(world.seeded(seed)):
        assert agent.cmd(order, signal=signal) == first


@given(keepers, orders, signals)
def test_equal_arguments_give_the_same_answer(agent, order, signal):
    twin = Keeper.new(agent.id, attrs.asdict(agent.state))
    assert twin == agent
    assert twin.cmd(order, signal=signal) == agent.cmd(order, signal=signal)


@given(keepers, orders)
def test_the_agent_and_the_command_stay_as_they_were(agent, order):
    before = fingerprint(agent, order)
    agent.cmd(order)
    assert fingerprint(agent, order) == before


@given(keepers, orders)
def test_nothing_in_the_new_agent_can_be_changed(agent, order):
    after, _ = agent.cmd(order)
    assert not list(changeable(after.state))


def changeable(value: Any):
    """Everything in a value that somebody could change."""
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from changeable(getattr(value, field.name))
    elif isinstance(value, dict):
        if type(value) is not FrozenDict:
            yield value
        for item in value.values():
            yield from changeable(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        if type(value) not in (FrozenList, tuple, frozenset):
            yield value
        for item in value:
            yield from changeable(item)


@given(keepers, orders)
def test_the_new_state_fits_its_class(agent, order):
    after, _ = agent.cmd(order)
    assert type(after.state) is Ledger
    assert after.validate() == after


@given(keepers, st.lists(orders.filter(lambda order: not isinstance(order, list)), max_size=4))
def test_a_list_does_what_its_items_do_one_after_the_other(agent, singles):
    together, directives = agent.cmd(singles)
    kinds = []
    for single in singles:
        agent, wanted = agent.cmd(single)
        kinds += [type(one) for one in wanted]
    assert together == agent
    assert [type(one) for one in directives] == kinds


@given(keepers, orders, orders)
def test_what_fails_leaves_no_trace_but_its_error(agent, before, after):
    bad = (ACTIONS[0], {"unknown": 1})
    listed = [*(before if isinstance(before, list) else [before]), *(after if isinstance(after, list) else [after])]
    with_bad, directives = agent.cmd([*listed, bad])
    without, _ = agent.cmd(listed)
    assert with_bad == without
    assert isinstance(directives[-1], Error)


@pytest.mark.parametrize("hash_seed", ["1", "random", pytest.param("2", marks=pytest.mark.long)])
def test_another_process_with_another_hash_seed_gives_the_same_answers(hash_seed):
    answer = subprocess.run(
        [sys.executable, "-c", "import sys, properties.cmd_program as p; sys.stdout.buffer.write(p.answers(7))"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        check=True,
    )
    assert answer.stdout == answers(7)
    assert answer.stdout != answers(8)
