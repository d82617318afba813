from itertools import permutations

import pytest

from jido_trio.core import Route, Router, Signal, matches
from jido_trio.errors import InvalidDefinition


def targets(routes, signal_type, data=None):
    return Router(routes).route(Signal(signal_type, data))


@pytest.mark.parametrize(
    ("pattern", "signal_type"),
    [
        ("user.created", "user.created"),
        ("user.*", "user.created"),
        ("*", "user"),
        ("*.*.created", "user.1.created"),
        ("audit.**", "audit"),
        ("audit.**", "audit.a.b.c"),
        ("**", "anything.at.all"),
        ("**.created", "created"),
        ("**.b", "a.b.b"),
        ("a.**.e", "a.e"),
        ("a.**.e", "a.b.c.d.e"),
        ("user.*.**", "user.1.created"),
        ("user.*.**", "user.1"),
        ("a.**.b.**.c", "a.b.x.b.c"),
        ("**", "user:created"),
        ("*", "*"),
        ("**", "**"),
    ],
)
def test_a_pattern_matches_what_its_wildcards_stand_for(pattern, signal_type):
    assert matches(pattern, signal_type)
    assert targets([(pattern, 1)], signal_type) == (1,)


@pytest.mark.parametrize(
    ("pattern", "signal_type"),
    [
        ("user", "user.created"),
        ("user.created", "user"),
        ("user.*", "user.profile.updated"),
        ("user.*", "user"),
        ("*", "user.created"),
        ("**.created", "user.updated"),
        ("a.**.e", "a.b.c"),
        ("a.**.b.**.c", "a.c"),
        ("audit.**", "audits"),
        ("user.created", "User.created"),
        ("**.*", ""),
    ],
)
def test_a_pattern_matches_nothing_else(pattern, signal_type):
    if signal_type:
        assert targets([(pattern, 1)], signal_type) == ()
        assert not matches(pattern, signal_type)
    else:  # no signal has an empty type, and what has none has one empty segment
        assert matches(pattern, signal_type)


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        ("user..created", "Path cannot contain consecutive dots"),
        ("user.**.**.x", "Path cannot contain multiple wildcards"),
        ("user.a**b", "Path cannot contain '**' sequence"),
        ("user.***", "Path cannot contain '**' sequence"),
        ("user.a*b", "Path cannot contain '*' within a segment"),
        ("a@b", "Path contains invalid characters"),
        ("user. created", "Path contains invalid characters"),
        ("user\n", "Path contains invalid characters"),
        ("", "Path has empty segments"),
        (".user", "Path has empty segments"),
        ("user.", "Path has empty segments"),
        (3, "Path must be a string"),
        (None, "Path must be a string"),
    ],
)
def test_a_wrong_pattern_is_refused_with_its_rule_and_its_name(pattern, rule):
    for declare in (lambda: Route(pattern, 1), lambda: Router([(pattern, 1)]), lambda: matches(pattern, "user")):
        with pytest.raises(InvalidDefinition) as caught:
            declare()
        assert rule in str(caught.value)
        assert repr(pattern) in str(caught.value)


@pytest.mark.parametrize(
    ("priority", "rule"),
    [
        (101, "exceeds maximum allowed"),
        (-101, "below minimum allowed"),
        (1.0, "must be an integer"),
        (True, "must be an integer"),
        ("1", "must be an integer"),
    ],
)
def test_a_wrong_priority_is_refused(priority, rule):
    with pytest.raises(InvalidDefinition, match=rule):
        Router([("user", 1, priority)])


def test_the_limits_of_priority_are_allowed():
    assert targets([("user", "low", -100), ("user", "high", 100)], "user") == ("high", "low")


@pytest.mark.parametrize("spec", ["user", ("user",), ("user", 1, 2, 3), 3, None])
def test_what_is_no_route_is_refused(spec):
    with pytest.raises(InvalidDefinition, match=r"is no route|Path"):
        Router([spec])


def test_a_condition_that_cannot_be_called_is_refused():
    with pytest.raises(InvalidDefinition, match="when=3"):
        Route("user", 1, when=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "score"),
    [
        ("user.123.created", 24000),
        ("user.*.created", 17100),
        ("user.**.created", 16200),
        ("user.created", 13000),
        ("user.*", 9100),
        ("user.**", 8200),
        ("*.*.created", 7100),
        ("*.created", 6000),
        ("**.created", 5000),
        ("*", 1000),
        ("**", 0),
    ],
)
def test_a_route_is_as_specific_as_its_pattern(pattern, score):
    assert Route(pattern, 1).complexity == score


def test_the_more_specific_route_comes_first_whatever_the_order():
    ranked = ["user.123.created", "user.*.created", "user.**", "*.*.created", "**"]
    for shuffled in permutations(ranked):
        assert targets([(pattern, pattern) for pattern in shuffled], "user.123.created") == tuple(ranked)


def test_specificity_beats_priority():
    assert targets([("user.*", "wild", 100), ("user.created", "exact", -100)], "user.created") == ("exact", "wild")


def test_priority_decides_among_equally_specific_routes():
    assert targets([("user", "low"), ("user", "high", 10)], "user") == ("high", "low")


def test_equal_routes_keep_their_order():
    assert targets([("user", n) for n in range(5)], "user") == (0, 1, 2, 3, 4)


def test_equally_specific_routes_of_different_patterns_keep_their_order_too():
    # A condition makes both as unspecific as "**".
    routes = [Route("user.*", 1, when=bool_true), ("**", 2), Route("user.a", 3, when=bool_true), ("**", 4)]
    assert targets(routes, "user.a") == (1, 2, 3, 4)


def bool_true(signal):
    return True


def test_a_list_of_targets_is_a_route_to_each():
    router = Router([("user", [1, 2, 3], 5)])
    assert router.route(Signal("user")) == (1, 2, 3)
    assert router.routes == (Route("user", 1, 5), Route("user", 2, 5), Route("user", 3, 5))


def test_routes_may_be_given_as_a_mapping():
    assert targets({"user": 1, "user.*": [2, 3]}, "user.a") == (2, 3)


def test_no_route_no_targets():
    assert targets([], "user") == ()


def test_a_route_found_in_several_ways_is_taken_once():
    assert targets([("**.b", 1), ("**.b.**", 2), ("a.**.b.**.b", 3)], "a.b.b") == (3, 2, 1)


def test_a_type_of_a_hundred_segments_is_no_trouble():
    path = ".".join(["a"] * 100)
    assert targets([(".".join(["a", "**"] * 30), 1), (".".join(["a", "**"] * 30 + ["b"]), 2)], path) == (1,)


@pytest.mark.parametrize(("amount", "taken"), [(150, ("large", "any")), (50, ("any",))])
def test_a_condition_decides_by_the_signal_each_time(amount, taken):
    large = Route("**", "large", when=lambda signal: signal.data["amount"] > 100)
    router = Router([large, ("**", "any")])
    router.route(Signal("order", {"amount": 1_000}))
    assert router.route(Signal("order", {"amount": amount})) == taken


@pytest.mark.parametrize("when", [lambda signal: 1, lambda signal: None, lambda signal: signal.data["no"]])
def test_a_condition_that_raises_or_answers_anything_but_true_is_not_met(when):
    assert targets([Route("user", 1, when=when)], "user", {}) == ()


def test_a_route_without_a_condition_admits_every_signal():
    assert Route("user", 1).admits(Signal("order"))


def test_a_route_with_a_condition_comes_after_all_without():
    routes = [Route("user.created", "if", priority=100, when=bool_true), ("*.created", "plain", -100)]
    assert targets(routes, "user.created") == ("plain", "if")


def test_adding_gives_another_router_and_leaves_the_first():
    first = Router([("user", 1)])
    first.route(Signal("user"))
    second = first.add(("user", 2), Route("user.*", 3))
    assert first.route(Signal("user")) == (1,)
    assert second.route(Signal("user")) == (1, 2)
    assert second.route(Signal("user.a")) == (3,)


def test_removing_takes_the_routes_of_exactly_that_pattern():
    router = Router([("user", 1), ("user.created", 2), ("user", 3), ("**", 4)]).remove("user")
    assert router.route(Signal("user")) == (4,)
    assert router.route(Signal("user.created")) == (2, 4)


def test_removing_an_unknown_pattern_changes_nothing():
    router = Router([("user", 1)])
    assert router.remove("user.*") == router


def test_merging_keeps_all_routes_with_those_of_the_first_in_front():
    conditional = Route("user", 2, when=bool_true)
    merged = Router([("user", 1), conditional]).merge(Router([("user", 3)]))
    assert merged.routes == (Route("user", 1), conditional, Route("user", 3))
    assert merged.route(Signal("user")) == (1, 3, 2)


def test_has_asks_for_the_pattern_itself():
    router = Router([("user.*", 1)])
    assert router.has("user.*")
    assert not router.has("user.created")


def test_a_router_forgets_types_instead_of_growing_without_bound(monkeypatch):
    monkeypatch.setattr("jido_trio.core._router._REMEMBERED_TYPES", 3)
    router = Router([("**", 1)])
    for n in range(10):
        assert router.route(Signal(f"user.{n}")) == (1,)
    assert list(router._known) == ["user.7", "user.8", "user.9"]
