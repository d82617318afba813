"""The command line: run a campaign, and exit with 1 if something went wrong.

python -m properties.campaigns interrupts   Control-C at each line of the package's own code
python -m properties.campaigns again        the same, when the program comes to the line for the second time
python -m properties.campaigns later        the same, when it comes to the line for the fifth time
python -m properties.campaigns faults       an error at each command that a supervisor carries out
python -m properties.campaigns kills        kill -9 of a program with durable agents, 1,000 times in each way
python -m properties.campaigns kills-postgres   the same, on a PostgreSQL server of its own, which is killed, too
python -m properties.campaigns kills-recovery   in one way only: see `_kill_points.FAMILIES`
python -m properties.campaigns laws         the laws with other seeds, for --minutes, and a report: laws.md
python -m properties.campaigns defects      the planted defects, each with --runs seeds, and the agents without
python -m properties.campaigns fuzz-cron    whatever comes at a door, for --minutes: also fuzz-tools, fuzz-plans,
                                            fuzz-files, fuzz-plugins; with atheris, where that is installed
python -m properties.campaigns chats        kill -9 at each point of a request to a model
python -m properties.campaigns chats-beside the same over HTTP, and on LangGraph, which is installed for it
python -m properties.campaigns soak         10,000 agents under load, for --minutes, or until there were --signals
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from properties.campaigns import _beside, _chats, _faults, _fuzz, _interrupts, _kills, _laws, _rates, _soak
from properties.campaigns._doors import DOORS

CAMPAIGNS: Mapping[str, Callable[[int], Iterator[tuple[str, str | None]]]] = {
    "interrupts": _interrupts.campaign,
    "again": partial(_interrupts.campaign, visit=2),
    "later": partial(_interrupts.campaign, visit=5),
    "faults": _faults.campaign,
    "kills": lambda share: _all(_kills.campaign, _kills.ON_SQLITE, share),
    "kills-postgres": lambda share: _all(_kills.campaign_on_postgres, _kills.ON_POSTGRES, share),
    **{f"kills-{family}": partial(_kills.campaign, family) for family in _kills.ON_SQLITE},
    **{
        f"kills-postgres-{family.replace(' ', '-')}": partial(_kills.campaign_on_postgres, family)
        for family in _kills.ON_POSTGRES
    },
}

OTHERS = ("chats", "chats-beside", "defects", "laws", "soak")
FUZZED = {f"fuzz-{name}": door for name, door in DOORS.items()}


def _all(
    campaign: Callable[[str, int], Iterator[tuple[str, str | None]]], families: Sequence[str], share: int
) -> Iterator[tuple[str, str | None]]:
    for family in families:
        yield from campaign(family, share)


def main(argv: Sequence[str] | None = None) -> int:
    """Run campaigns and return the exit code."""
    parser = argparse.ArgumentParser("python -m properties.campaigns", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("campaign", choices=[*CAMPAIGNS, *FUZZED, *OTHERS], nargs="+")
    parser.add_argument("--share", type=int, default=1, help="run one of so many places (1)")
    parser.add_argument("--minutes", type=float, default=_soak.MINUTES, help="how long laws, fuzz and soak are (10)")
    parser.add_argument("--runs", type=int, default=_rates.RUNS, help="seeds for each defect (20)")
    parser.add_argument("--signals", type=int, default=_soak.SIGNALS, help="how many the soak has at most (1000000)")
    options = parser.parse_args(argv)
    logging.disable()
    failures = 0
    for name in options.campaign:
        count = 0
        met = _met(name, options)
        for place, problem in met:
            count += 1
            if problem is not None:
                failures += 1
                print(f"{name} {place}: {problem}", flush=True)
        print(f"{name}: {count} places")
        if _kills.DEATHS.at:
            print(f"{_kills.DEATHS.at.total()} deaths:", *_kills.DEATHS.lines(), sep="\n")
            _kills.DEATHS.at.clear()
        if name == "defects":
            print(*_rates.lines(), sep="\n")
        if name == "chats":
            print(*_chats.lines(), sep="\n")
        if name == "chats-beside":
            print(*_beside.lines(), sep="\n")
    print(f"{failures} went wrong")
    return 1 if failures else 0


def _met(name: str, options: argparse.Namespace) -> Iterator[tuple[str, str | None]]:
    match name:
        case "soak":
            return _soak.campaign(options.minutes, options.signals)
        case "chats":
            return _chats.campaign(options.share)
        case "chats-beside":
            return _beside.campaign(options.share)
        case "laws":
            return _laws.campaign(options.minutes)
        case "defects":
            return _rates.campaign(options.runs, options.share)
        case _ if name in FUZZED:
            return _fuzz.campaign(FUZZED[name], options.minutes)
        case _:
            return CAMPAIGNS[name](options.share)


if __name__ == "__main__":
    sys.exit(main())
