"""Ticks: the signals of a job, each of which follows from the agent, the job's key, and when it was due."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from attrs import evolve

from jido_trio.core._cron import after_tick, at_start
from jido_trio.core._directives import Cron
from jido_trio.core._signal import Signal
from jido_trio.world import World, derived

LATE = 60.0
"""Seconds; what is less late when its agent is started isn't missed: the agent may be started for it."""


def is_missed(at: float, now: float) -> bool:
    """Whether what was to come at that time, and finds its agent started only now, was missed."""
    return at <= now - LATE


def tick(agent_id: str, cron: Cron, due: float) -> Signal:
    """Return the signal for a time, in seconds since 1970: with the same id whoever asks for it, and how often."""
    world = _world(agent_id, cron, due)
    return evolve(cron.message, id=world.ids(), time=world.now())


def comes_at(agent_id: str, cron: Cron, due: float) -> float:
    """Return when it comes: at its time, or as much later as its jitter has it."""
    return due + cron.jitter * _world(agent_id, cron, due).random.random() if cron.jitter else due


def first_due(cron: Cron, now: float) -> float:
    """Return the first time of a job after now; all times are in seconds since 1970.

    Raises:
        InvalidDefinition: It never comes any more.
    """
    return cron.times.after(_time(now)).timestamp()


def next_due(cron: Cron, ticked: float, now: float) -> float:
    """Return the next time of a job whose tick for a time has been handled now."""
    return after_tick(cron.times, _time(ticked), _time(now), cron.missed).timestamp()


def due_at_start(agent_id: str, cron: Cron, due: float, now: float) -> float:
    """Return the next time of a job that was to come at `due`, and is taken up now."""
    if not is_missed(comes_at(agent_id, cron, due), now):
        return due
    return at_start(cron.times, _time(due), _time(now), cron.missed).timestamp()


def is_same_job(one: Cron, other: Cron) -> bool:
    """Whether two say the same: what their messages have of their own, their ids and times, doesn't matter."""
    mine, its = one.message, other.message
    return evolve(one, message=evolve(mine, id=its.id, time=its.time, extensions=its.extensions)) == other


def _world(agent_id: str, cron: Cron, due: float) -> World:
    return derived(f"{agent_id} {cron.key} {due:.0f}".encode, partial(_time, due))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
