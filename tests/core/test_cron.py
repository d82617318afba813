"""Cron: the times of an expression in a zone, beside an oracle that looks at each minute of the clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from jido_trio import InvalidDefinition, Signal
from jido_trio.core import Cron, tick, times_of
from jido_trio.core.inner import comes_at, due_at_start, first_due, is_same_job, next_due

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

ZONES = (
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Tehran",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
)
"""Twelve that change their clocks, at different hours, by an hour, half of one, or a whole day, or did so once."""

EXPRESSIONS = (
    "30 2 * * *",
    "0 0 * * *",
    "0 1-3 * * *",
    "15,45 0,1,2,3 1-31 * 0-6",
    "59 23 * * 0",
    "*/15 * * * *",
    "*/20 2 * * *",
    "0 */2 * * *",
    "* 1 * * 0",
)


# ---- the oracle: it knows a clock by its minutes, and nothing of transitions


def numbers(field: str, least: int, most: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, high = (least, most) if span == "*" else (int(span.split("-")[0]), int(span.split("-")[-1]))
        found |= set(range(low, high + 1, int(step or 1)))
    return found


@cache
def parsed(expression: str) -> tuple[set[int], ...]:
    spans = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    return tuple(numbers(field, *span) for field, span in zip(expression.split(), spans, strict=True))


def names(expression: str, local: datetime) -> bool:
    minutes, hours, days, months, weekdays = parsed(expression)
    return (
        local.minute in minutes
        and local.hour in hours
        and local.month in months
        and local.day in days
        and local.isoweekday() % 7 in weekdays
    )


def expected(expression: str, zone: ZoneInfo, since: datetime, until: datetime) -> list[datetime]:
    """The times of an expression after `since` and up to `until`, by looking at the clock each minute."""
    around = [since - 26 * HOUR + MINUTE * number for number in range(int((until - since) / MINUTE) + 26 * 60 + 1)]
    if not expression.split(maxsplit=1)[0].startswith("*") and not expression.split()[1].startswith("*"):
        return [each for each in fixed(expression, zone, around) if since < each <= until]
    return [each for each in around if since < each <= until and names(expression, clock(each, zone))]


def clock(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def fixed(expression: str, zone: ZoneInfo, around: list[datetime]) -> Iterator[datetime]:
    """Whenever the clock goes on to a minute that it hasn't shown before: it, and those that it left out."""
    furthest = clock(around[0], zone)
    for moment in around[1:]:
        now = clock(moment, zone)
        left_out = [furthest + MINUTE * number for number in range(1, int((now - furthest) / MINUTE) + 1)]
        if any(names(expression, each) for each in left_out):
            yield moment
        furthest = max(furthest, now)


def changes(zone: ZoneInfo, first: int, last: int) -> list[datetime]:
    """The hours of these years in which the clock is changed."""
    hours = [datetime(first, 1, 1, tzinfo=UTC) + 6 * HOUR * number for number in range((last - first) * 366 * 4)]
    offsets = [each.astimezone(zone).utcoffset() for each in hours]
    return [each for each, now, then in zip(hours, offsets, offsets[1:], strict=False) if now != then]


def times(expression: str, zone: str, since: datetime, until: datetime) -> list[datetime]:
    found, moment = list[datetime](), since
    while (moment := times_of(expression, zone).after(moment)) <= until:
        found.append(moment)
    return found


def times_back(expression: str, zone: str, since: datetime, until: datetime) -> list[datetime]:
    found, moment = list[datetime](), until
    while (moment := times_of(expression, zone).last(moment)) > since:
        found.append(moment)
        moment -= timedelta(seconds=1)
    return found[::-1]


def check(zone: str, years: tuple[int, int], expressions: tuple[str, ...]) -> int:
    seen = changes(ZoneInfo(zone), *years)
    for change in seen:
        since, until = change - 4 * HOUR, change + 10 * HOUR
        for expression in expressions:
            wanted = expected(expression, ZoneInfo(zone), since, until)
            assert times(expression, zone, since, until) == wanted, (expression, zone, change)
            assert times_back(expression, zone, since, until) == wanted, (expression, zone, change)
    return len(seen)


EACH_TIME = ("Europe/Dublin", "America/St_Johns", "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia")
"""Winter time that is the exception, an offset of a half hour, summer without a month, half an hour, a day left out."""


@pytest.mark.parametrize("zone", EACH_TIME)
def test_the_times_are_those_of_the_rule_whenever_the_clock_is_changed(zone):
    gave_it_up = ("America/Sao_Paulo", "Asia/Tehran", "Pacific/Apia")
    assert check(zone, (2011, 2013) if zone in gave_it_up else (2024, 2026), EXPRESSIONS)


@pytest.mark.long
@pytest.mark.parametrize("zone", ZONES)
def test_the_times_are_those_of_the_rule_for_twenty_years(zone):
    assert check(zone, (2010, 2030), EXPRESSIONS) > 3


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "Europe/Berlin"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_where_no_clock_is_changed_it_is_the_expression_alone(zone, expression):
    since = datetime(2026, 6, 5, tzinfo=UTC)
    wanted = expected(expression, ZoneInfo(zone), since, since + 50 * HOUR)
    assert times(expression, zone, since, since + 50 * HOUR) == wanted
    assert times_back(expression, zone, since, since + 50 * HOUR) == wanted


# ---- the rule, in words


def local_times(expression: str, zone: str, day: str, count: int) -> list[str]:
    found, moment = list[str](), datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    for _ in range(count):
        moment = times_of(expression, zone).after(moment)
        found.append(moment.astimezone(ZoneInfo(zone)).strftime("%d %H:%M %z"))
    return found


def test_a_fixed_time_that_is_left_out_comes_where_the_clock_goes_on():
    assert local_times("30 2 * * *", "America/Chicago", "2026-03-07T12:00", 2) == ["08 03:00 -0500", "09 02:30 -0500"]


def test_several_fixed_times_that_are_left_out_come_once():
    found = local_times("0,20,40 2 * * *", "Europe/Berlin", "2026-03-28T12:00", 2)
    assert found == ["29 03:00 +0200", "30 02:00 +0200"]


def test_a_fixed_time_that_comes_twice_comes_the_first_time_only():
    assert local_times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 2) == ["25 02:30 +0200", "26 02:30 +0100"]


def test_an_interval_goes_on_through_an_hour_that_comes_twice():
    assert local_times("*/30 * * * *", "Europe/Berlin", "2026-10-25T01:45", 5) == [
        "25 02:00 +0200",
        "25 02:30 +0200",
        "25 02:00 +0100",
        "25 02:30 +0100",
        "25 03:00 +0100",
    ]


def test_an_interval_is_as_long_as_ever_where_an_hour_is_left_out():
    assert local_times("*/30 * * * *", "Europe/Berlin", "2026-03-29T01:15", 3) == [
        "29 01:30 +0100",
        "29 03:00 +0200",
        "29 03:30 +0200",
    ]


def test_six_fields_begin_with_the_second():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert [each.second for each in times("*/20 * * * * *", "UTC", start, start + MINUTE)] == [20, 40, 0]


@pytest.mark.parametrize(
    ("alias", "expression"),
    [("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@weekly", "0 0 * * 0"), ("@MONTHLY", "0 0 1 * *")],
)
def test_an_alias_is_the_expression_that_it_stands_for(alias, expression):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert times_of(alias, "UTC").after(start) == times_of(expression, "UTC").after(start)


def test_a_moment_within_a_second_is_before_the_next_one():
    half = datetime(2026, 1, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    assert times_of("* * * * * *", "UTC").after(half) == half + timedelta(milliseconds=500)
    assert times_of("* * * * * *", "UTC").last(half) == half - timedelta(milliseconds=500)


@pytest.mark.parametrize(
    ("expression", "zone", "problem"),
    [
        ("61 * * * *", "UTC", "is no cron expression: Bad minute"),
        ("0 0 31 2 *", "UTC", "is no cron expression: Bad day-of-month"),
        ("* * * *", "UTC", "must have five fields"),
        ("0 0 * * * * 2026", "UTC", "must have five fields"),
        ("@sometimes", "UTC", "must have five fields"),
        ("* * * * *", "Europe/Berlni", "timezone='Europe/Berlni' isn't known; did you mean 'Europe/Berlin'"),
        ("* * * * *", "../etc/passwd", "isn't known"),
    ],
)
def test_what_is_no_expression_or_no_zone_is_refused_when_the_directive_is_made(expression, zone, problem):
    with pytest.raises(InvalidDefinition, match=problem):
        Cron(expression, "x", timezone=zone)


# ---- ticks


HOURLY = Cron("0 * * * *", Signal("tick", {"n": 1}), key="h")
TEN = datetime(2026, 1, 1, 10, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "zone"), [(3, "UTC"), ("0," * 500 + "0 * * * *", "UTC"), ("@daily", None), ("@daily", ["UTC"])]
)
def test_times_of_what_is_no_text_or_too_long_are_refused(expression, zone):
    with pytest.raises(InvalidDefinition, match="must be"):
        times_of(expression, zone)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 1, 1, tzinfo=UTC),
    ],
)
def test_a_moment_without_a_zone_or_at_an_end_of_the_calendar_is_refused(moment):
    times = times_of("@daily", "Asia/Tokyo")
    for ask in (times.after, times.last):
        with pytest.raises(InvalidDefinition, match="must have a time zone"):
            ask(moment)


def test_a_moment_of_another_zone_is_the_same_moment():
    there = datetime(2026, 1, 1, 12, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert times_of("@hourly", "UTC").after(there) == datetime(2026, 1, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize("options", [{"jitter": 1e9}, {"jitter": float("nan")}, {"key": "\udcff"}, {"key": ""}])
def test_a_jitter_of_more_than_a_year_and_a_key_that_cannot_be_written_are_refused(options):
    with pytest.raises(InvalidDefinition):
        Cron("@daily", Signal("due"), **options)


def test_a_tick_is_a_signal_of_its_own_that_follows_from_agent_key_and_time():
    one, again, other = tick("a", HOURLY, TEN), tick("a", HOURLY, TEN), tick("a", HOURLY, TEN + 3600)
    assert one == again
    assert (one.type, one.data, one.time) == ("tick", {"n": 1}, "2026-01-01T10:00:00Z")
    assert len({one.id, other.id, HOURLY.message.id, tick("b", HOURLY, TEN).id}) == 4


def test_jitter_is_the_same_for_a_tick_and_another_for_another_agent():
    spread = Cron("0 * * * *", "x", jitter=60, key="h")
    late = [comes_at(str(number), spread, TEN) - TEN for number in range(50)]
    assert late == [comes_at(str(number), spread, TEN) - TEN for number in range(50)]
    assert all(0 <= each < 60 for each in late)
    assert max(late) - min(late) > 30


@pytest.mark.parametrize(("missed", "hour"), [("skip", 14), ("one", 13), ("all", 11)])
def test_after_a_tick_what_was_missed_is_made_up_as_is_wanted(missed, hour):
    cron = Cron("0 * * * *", "x", missed=missed)
    assert next_due(cron, TEN, TEN + 3.5 * 3600) == TEN + (hour - 10) * 3600
    assert next_due(cron, TEN, TEN + 1) == TEN + 3600


@pytest.mark.parametrize(("missed", "hour"), [("skip", 14), ("one", 13), ("all", 10)])
def test_at_the_start_what_was_missed_is_made_up_as_is_wanted(missed, hour):
    cron = Cron("0 * * * *", "x", missed=missed)
    assert due_at_start("a", cron, TEN, TEN + 3.5 * 3600) == TEN + (hour - 10) * 3600
    assert due_at_start("a", cron, TEN, TEN - 1) == TEN


def test_what_is_only_late_by_its_jitter_is_not_missed():
    cron = Cron("0 * * * *", "x", jitter=3000, key="j")
    assert due_at_start("a", cron, TEN, comes_at("a", cron, TEN) - 1) == TEN


def test_the_first_time_is_after_now():
    assert first_due(HOURLY, TEN) == TEN + 3600


def test_a_job_without_a_key_has_the_same_one_whenever_it_is_made():
    assert Cron("* * * * *", Signal("a")).key == Cron("* * * * *", Signal("a")).key
    keys = {
        Cron("* * * * *", Signal("a")).key,
        Cron("* * * * *", Signal("b")).key,
        Cron("* * * * *", Signal("a", {"n": 1})).key,
        Cron("0 * * * *", Signal("a")).key,
        Cron("* * * * *", Signal("a"), timezone="Europe/Berlin").key,
    }
    assert len(keys) == 5


def test_two_jobs_that_say_the_same_are_the_same():
    assert is_same_job(HOURLY, Cron("0 * * * *", Signal("tick", {"n": 1}), key="h"))
    assert not is_same_job(HOURLY, Cron("0 * * * *", Signal("tick", {"n": 2}), key="h"))
    assert not is_same_job(HOURLY, Cron("0 * * * *", Signal("tick", {"n": 1}), key="h", missed="all"))
