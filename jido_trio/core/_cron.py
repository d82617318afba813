"""Cron: the times of an expression in a time zone, and which of the ticks that were missed are made up. Pure.

What a clock on the wall shows in the zone decides, and the clocks are changed. A job is one of two kinds, as in
Debian's cron:

    fixed       neither its minutes nor its hours begin with `*`: "30 2 * * *", "0 9-17 * * MON-FRI"
    interval    all others: "*/15 * * * *", "30 * * * *"

                                 fixed                               interval
    an hour that is left out     comes where the clock goes on,      comes at none of its times
                                 once for all of that hour
    an hour that comes twice     comes the first time only           comes both times

So a fixed job comes once for each time that it names, on each day, and an interval job as time goes by. cronsim reads
the expressions and finds their times on a clock that is never changed; what a change of it means is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from attrs import field, frozen
from cronsim import CronSim, CronSimError

from jido_trio import checks
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import said, shown

Missed: TypeAlias = Literal["skip", "one", "all"]
"""What becomes of the times that came while nobody was there: none is made up, the last one, or all of them."""

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_SECOND = timedelta(seconds=1)
_LONG = timedelta(hours=25)
"""Longer than any clock is set back."""
_DAY = timedelta(days=1)
"""No zone changes its clocks twice in one."""


@frozen
class Times:
    """The times of an expression in a zone; all of them are in UTC, to the second."""

    expression: str
    zone: tzinfo
    _plain: str = field(repr=False)
    """The expression without an alias."""
    _is_fixed: bool = field(repr=False)

    def after(self, moment: datetime) -> datetime:
        """Return the first time after a moment.

        Raises:
            InvalidDefinition: There is none within 50 years, or the moment has no time zone.
        """
        moment = _in_utc(moment)
        try:
            return self._fixed_after(moment) if self._is_fixed else self._interval_after(moment)
        except StopIteration:
            raise self._never(moment, "after") from None

    def last(self, moment: datetime) -> datetime:
        """Return the last time up to a moment, which may be one.

        Raises:
            InvalidDefinition: There is none within 50 years, or the moment has no time zone.
        """
        moment = _in_utc(moment).replace(microsecond=0) + _SECOND
        try:
            return self._fixed_before(moment) if self._is_fixed else self._interval_before(moment)
        except StopIteration:
            raise self._never(moment, "before") from None

    def _never(self, moment: datetime, where: str) -> InvalidDefinition:
        why = f"cron={shown(self.expression)} has no time within 50 years {where} {moment:%Y-%m-%d}"
        return InvalidDefinition(why, field="cron", value=self.expression)

    def _on_the_wall(self, local: datetime, *, reverse: bool = False) -> Iterator[datetime]:
        """Return the times after that one, or before it, on a clock that is never changed."""
        return iter(CronSim(self._plain, local.replace(microsecond=0), reverse))

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None, fold=0)

    # ---- fixed

    def _fixed_after(self, moment: datetime) -> datetime:
        found = map(self._first, self._on_the_wall(self._local(moment)))
        return next(each for each in found if each > moment)

    def _fixed_before(self, moment: datetime) -> datetime:
        # Where the clock was set back, it has shown later times already.
        local = max(self._local(moment), self._local(moment - _LONG) + _LONG)
        found = map(self._first, self._on_the_wall(local, reverse=True))
        return next(each for each in found if each < moment)

    def _first(self, local: datetime) -> datetime:
        """Return when a clock shows that time first; if it never does, when it goes on behind it."""
        moment = local.replace(tzinfo=self.zone).astimezone(UTC)
        if self._local(moment) == local:
            return moment
        change = self._first_change(local.replace(tzinfo=self.zone, fold=1).astimezone(UTC), moment)
        assert change is not None  # noqa: S101  # why else would it not be shown
        return change

    # ---- interval

    def _interval_after(self, moment: datetime) -> datetime:
        while True:
            offset = self._offset(moment)
            found = next(self._on_the_wall(self._local(moment))).replace(tzinfo=UTC) - offset
            change = self._first_change(moment, found)
            if change is None:
                return found
            # Until there the clock shows none; from there on it shows other times.
            shown_first = self._local(change) - _SECOND
            found = next(self._on_the_wall(shown_first)).replace(tzinfo=UTC) - self._offset(change)
            if self._first_change(change, found) is None:
                return found
            moment = change

    def _interval_before(self, moment: datetime) -> datetime:
        while True:
            just_before = moment - _SECOND
            offset = self._offset(just_before)
            local = self._local(just_before) + _SECOND
            found = next(self._on_the_wall(local, reverse=True)).replace(tzinfo=UTC) - offset
            change = self._last_change(found, just_before)
            if change is None:
                return found
            moment = change

    # ---- when the clocks are changed

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self.zone).utcoffset() or timedelta()

    def _first_change(self, since: datetime, until: datetime) -> datetime | None:
        """Return the first moment after `since`, up to `until`, with another offset than the one before it."""
        while since < until:
            upto = min(since + _DAY, until)
            if self._offset(upto) != self._offset(since):
                return self._change(since, upto)
            since = upto
        return None

    def _last_change(self, since: datetime, until: datetime) -> datetime | None:
        """Return the last moment after `since`, up to `until`, with another offset than the one before it."""
        while since < until:
            down = max(until - _DAY, since)
            if self._offset(down) != self._offset(until):
                return self._change(down, until)
            until = down
        return None

    def _change(self, before: datetime, after: datetime) -> datetime:
        """Return when the offset of `before` ends, to the second."""
        before, offset = before.replace(microsecond=0), self._offset(before)
        while after - before > _SECOND:
            between = before + (after - before) // 2 // _SECOND * _SECOND
            if self._offset(between) == offset:
                before = between
            else:
                after = between
        return after.replace(microsecond=0)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None or not _YEARS.start <= moment.year < _YEARS.stop:
        why = f"must have a time zone, as UTC, and be between the years {_YEARS.start} and {_YEARS.stop}"
        raise checks.refused("", "moment", moment, why)
    return moment.astimezone(UTC)


_YEARS = range(100, 9900)
"""Nearer to its ends the calendar has no 50 years more."""


def times_of(expression: str, timezone: str) -> Times:
    """Return the times of a cron expression, of 1000 characters at most, in a time zone.

    Raises:
        InvalidDefinition: It is no expression, there is no such zone, or it never comes.
    """
    given: tuple[object, object] = expression, timezone
    if not isinstance(given[0], str) or len(given[0]) > _LONGEST:
        raise checks.refused("", "cron", expression, f"must be a text of at most {_LONGEST} characters")
    if not isinstance(given[1], str):
        raise checks.refused("", "timezone", timezone, "must be the name of one, as 'Europe/Berlin', or 'UTC'")
    return _times(expression, timezone)


_LONGEST = 1000


@lru_cache(maxsize=1024)
def _times(expression: str, timezone: str) -> Times:
    zone = zone_of(timezone)
    plain = ALIASES.get(expression.strip().lower(), expression)
    fields = plain.split()
    hint = "five fields (minute, hour, day, month, weekday), six with the second first, or one of " + ", ".join(ALIASES)
    if len(fields) not in (5, 6):
        raise InvalidDefinition(f"cron={shown(expression)} must have {hint}", field="cron", value=expression)
    is_fixed = not (fields[-5].startswith("*") or fields[-4].startswith("*"))
    times = Times(expression, zone, plain, is_fixed)
    try:
        times.after(datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise InvalidDefinition(
            f"cron={shown(expression)} is no cron expression: {said(error)}; write {hint}",
            field="cron",
            value=expression,
        ) from None
    return times


def zone_of(name: str) -> tzinfo:
    """Return a time zone.

    Raises:
        InvalidDefinition: There is none of that name.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        what = checks.did_you_mean(name, known) if known else "; this machine has no time zones: pip install tzdata"
        raise InvalidDefinition(
            f"timezone={shown(name)} isn't known{what}; write one as 'Europe/Berlin', or 'UTC'",
            field="timezone",
            value=name,
        ) from None


def at_start(times: Times, due: datetime, now: datetime, missed: Missed) -> datetime:
    """Return when a job ticks next that was to tick at `due`, and is taken up now."""
    if due > now or missed == "all":
        return due
    return times.last(now) if missed == "one" else times.after(now)


def after_tick(times: Times, ticked: datetime, now: datetime, missed: Missed) -> datetime:
    """Return when a job ticks next whose tick for a time was handled now."""
    following = times.after(ticked)
    return at_start(times, following, now, missed)
