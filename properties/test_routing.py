"""Routing against a matcher and an order shorter than the router."""

from hypothesis import given
from hypothesis import strategies as st

from jido_trio.core import Route, Router, Signal, matches

# Few words, so that patterns meet types and each other.
words = st.sampled_from(["a", "b"])
types = st.lists(words, min_size=1, max_size=5).map(".".join)
patterns = (
    st.lists(words | st.sampled_from(["*", "**"]), min_size=1, max_size=5)
    .map(".".join)
    .filter(lambda pattern: "**.**" not in pattern)
)


def always(signal):
    return True


def never(signal):
    return False


def answers_something_true(signal):
    return 1


def fails(signal):
    return signal.data["no"]


conditions = st.sampled_from([None, always, never, answers_something_true, fails])
routes = st.builds(Route, patterns, st.integers(), st.integers(-1, 1) | st.sampled_from([-100, 100]), conditions)


def matches_slowly(pattern: list[str], path: list[str]) -> bool:
    match pattern, path:
        case [], _:
            return not path
        case ["**", *rest], _:
            return any(matches_slowly(rest, path[n:]) for n in range(len(path) + 1))
        case [part, *rest], [first, *others]:
            return part in {"*", first} and matches_slowly(rest, others)
    return False


@given(patterns, types)
def test_a_pattern_matches_what_the_recursive_definition_says(pattern, signal_type):
    assert matches(pattern, signal_type) == matches_slowly(pattern.split("."), signal_type.split("."))


@given(st.lists(routes, max_size=12), st.lists(types, min_size=1, max_size=3))
def test_a_signal_takes_each_matching_route_once_by_specificity_then_priority_then_order(routes, types):
    numbered = [Route(route.pattern, n, route.priority, route.when) for n, route in enumerate(routes)]
    router = Router(numbered)
    for signal_type in (*types, *types):  # learnt and remembered
        taken = [
            route
            for route in numbered
            if matches_slowly(route.pattern.split("."), signal_type.split(".")) and route.when in {None, always}
        ]
        taken.sort(key=lambda route: (-route.complexity, -route.priority, route.target))
        assert router.route(Signal(signal_type, {})) == tuple(route.target for route in taken)


@given(st.lists(routes, max_size=8), st.lists(routes, max_size=8), types)
def test_merging_is_adding_the_routes_one_by_one(first, second, signal_type):
    signal = Signal(signal_type, {})
    added = Router(first)
    for route in second:
        added = added.add(route)
    assert Router(first).merge(Router(second)) == added
    assert added.route(signal) == Router([*first, *second]).route(signal)


@given(st.lists(routes, max_size=8), patterns, types)
def test_a_removed_pattern_is_gone_and_nothing_else(routes, pattern, signal_type):
    rest = Router(routes).remove(pattern)
    assert not rest.has(pattern)
    assert rest.routes == tuple(route for route in routes if route.pattern != pattern)
