"""Declarations: what is refused, in which words, before anything starts."""

import functools
import math
from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

import pytest
import trio

from jido_trio.errors import InvalidDefinition
from jido_trio.supervision import Child, open_dynamic_supervisor, open_supervisor, supervisor_child
from tests.supervision._bench import child, ready

Fn: TypeAlias = Callable[..., Awaitable[object]]


@pytest.mark.parametrize(
    ("make", "field", "words"),
    [
        (lambda: child(""), "id", ["non-empty string", "''"]),
        (lambda: child(cast("str", 7)), "id", ["non-empty string", "7"]),
        (lambda: Child("a", cast("Fn", 3)), "fn", ["'a'", "async function", "3"]),
        (lambda: Child("a", cast("Fn", ready())), "fn", ["'a'", "coroutine", "Child('a', fn, arg)"]),
        (lambda: child("a", restart="always"), "restart", ["'a'", "'always'", "'permanent'"]),
        (lambda: child("a", restart="transiet"), "restart", ["did you mean 'transient'"]),
        (lambda: child("a", kind="boss"), "kind", ["'a'", "'boss'", "'supervisor'"]),
        (lambda: child("a", shutdown=-1), "shutdown", ["'a'", "-1", "0 or more"]),
        (lambda: child("a", shutdown=math.inf), "shutdown", ["inf", "None"]),
        (lambda: child("a", shutdown=math.nan), "shutdown", ["nan"]),
        (lambda: child("a", shutdown=True), "shutdown", ["True"]),
        (lambda: child("a", shutdown="brutl"), "shutdown", ["'brutl'", "'brutal'"]),
        (lambda: child("a", significant=1), "significant", ["'a'", "1", "True or False"]),
        (lambda: child("a", significant=True), "significant", ["'a'", "permanent", "transient or temporary"]),
        (lambda: child("a", start_timeout=0), "start_timeout", ["'a'", "0", "above 0"]),
        (lambda: child("a", start_timeout=math.inf), "start_timeout", ["inf", "None"]),
    ],
)
def test_a_wrong_child_is_refused_by_name_value_and_remedy(make, field, words):
    with pytest.raises(InvalidDefinition) as refused:
        make()
    assert refused.value.field == field
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"strategy": "one_for_al"}, "strategy", ["'one_for_al'", "did you mean 'one_for_all'"]),
        ({"max_restarts": -1}, "max_restarts", ["-1", "0 or more"]),
        ({"max_restarts": 1.5}, "max_restarts", ["1.5", "whole number"]),
        ({"max_restarts": True}, "max_restarts", ["True"]),
        ({"max_seconds": 0}, "max_seconds", ["0", "above 0"]),
        ({"max_seconds": math.inf}, "max_seconds", ["inf"]),
        ({"max_seconds": math.nan}, "max_seconds", ["nan"]),
        ({"auto_shutdown": "always"}, "auto_shutdown", ["'always'", "'any_significant'"]),
        ({"shutdown": -1}, "shutdown", ["-1", "None"]),
        ({"shutdown": math.inf}, "shutdown", ["inf", "None"]),
        ({"shutdown": "brutal"}, "shutdown", ["'brutal'", "seconds"]),
    ],
)
def test_a_wrong_option_of_a_supervisor_is_refused_before_anything_starts(options, field, words):
    with pytest.raises(InvalidDefinition) as refused:
        open_supervisor([child("a")], **options)
    assert refused.value.field == field
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.parametrize("limit", [-1, 1.5, True])
def test_a_wrong_max_children_is_refused(limit):
    with pytest.raises(InvalidDefinition, match="max_children") as refused:
        open_dynamic_supervisor(max_children=limit)
    assert refused.value.field == "max_children"


def test_two_children_with_one_id_are_refused():
    with pytest.raises(InvalidDefinition, match="two children of supervisor 'top' have the id 'a'") as refused:
        open_supervisor([child("a"), child("b"), child("a")], name="top")
    assert (refused.value.field, refused.value.value) == ("children", "a")


def test_a_significant_child_is_refused_where_nothing_comes_of_it():
    with pytest.raises(InvalidDefinition, match="auto_shutdown of supervisor 'top' is 'never'") as refused:
        open_supervisor([child("a", restart="transient", significant=True)], name="top")
    assert refused.value.field == "significant"


def test_a_function_in_the_place_of_a_child_is_refused():
    not_a_child: list[Child] = [trio.sleep_forever]  # type: ignore[list-item]  # the mistake
    with pytest.raises(InvalidDefinition, match=r"wrap it: Child\('some id', fn\)") as refused:
        open_supervisor(not_a_child)
    assert refused.value.field == "children"


@pytest.mark.parametrize("children", [None, Child("a", trio.sleep_forever)])
def test_what_is_not_several_children_is_refused(children):
    for opened in (open_supervisor, lambda children: supervisor_child("a", children)):
        with pytest.raises(InvalidDefinition, match=r"children=.* must be several"):
            opened(children)


def test_a_supervisor_is_called_by_a_text():
    with pytest.raises(InvalidDefinition, match="name=5 of a supervisor must be a text"):
        open_supervisor(name=5)  # type: ignore[arg-type]


async def test_start_child_refuses_what_the_list_of_children_refuses():
    async with open_supervisor() as supervisor:
        with pytest.raises(InvalidDefinition, match="wrap it"):
            await supervisor.start_child(trio.sleep_forever)  # type: ignore[arg-type]  # the mistake
        with pytest.raises(InvalidDefinition, match="significant"):
            await supervisor.start_child(child("a", restart="temporary", significant=True))
        assert supervisor.tree().children == ()


def test_a_worker_has_5_seconds_to_stop_and_a_supervisor_as_long_as_it_takes():
    assert child("a").shutdown == 5
    assert child("a", kind="supervisor").shutdown is None
    assert supervisor_child("a").shutdown is None


def test_a_child_is_permanent_and_not_significant_unless_it_says_otherwise():
    assert (child("a").restart, child("a").significant, child("a").kind) == ("permanent", False, "worker")


def test_children_are_equal_when_their_parts_are():
    assert Child("a", trio.sleep, 1) == Child("a", trio.sleep, 1)
    assert Child("a", trio.sleep, 1) != Child("a", trio.sleep, 2)


class Worker:
    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()

    async def __call__(self, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()

    __hash__ = None  # type: ignore[assignment]  # as a class with __eq__ has


@pytest.mark.parametrize(
    ("fn", "reports_ready"),
    [
        (ready, True),
        (functools.partial(functools.partial(ready)), True),
        (Worker().run, True),
        (Worker(), True),
        (trio.sleep_forever, False),
    ],
)
def test_a_function_reports_ready_when_it_takes_task_status(fn, reports_ready):
    assert Child("a", fn).reports_ready is reports_ready
