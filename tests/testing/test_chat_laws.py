"""The laws of conversations hold, and each of these faults breaks one: a package with the fault is made and judged."""

import functools
import importlib
import sys
from pathlib import Path

import pytest
from attrs import frozen

import jido_trio
from jido_trio.ai import Rules
from jido_trio.testing import check_conversation

PACKAGE = Path(jido_trio.__file__).parent


@frozen
class Fault:
    name: str
    module: str
    old: str
    new: str
    rare: bool = False
    """Whether it takes long to find: it is planted in the long run only."""


FAULTS = [
    Fault(
        "an ask that comes again is another request",
        "_decide",
        "if c.knows(ask.request) or is_refused",
        "if is_refused",
    ),
    Fault(
        "a late reply is taken for the one that is waited for",
        "_decide",
        "return called if called is not None and (called.call, called.attempt) == (call, attempt) else None",
        "return called",
    ),
    Fault("a reply without a reason is an answer", "_decide", "if reply.finish is None:", "if False:"),
    Fault("a call that was cut is run", "_decide", 'if reply.finish == "length" and reply.calls:', "if False:"),
    Fault("ids are the model's own", "_decide", 'return evolve(asked, id=f"call_{call}_{number}")', "return asked"),
    Fault("ids begin anew with each call", "_decide", 'id=f"call_{call}_{number}"', 'id=f"call_{number}"'),
    Fault(
        "arguments aren't looked at",
        "_decide",
        "if problem is not None:\n            steps.add(Returned(call.id, problem, error=True))\n    if limit",
        "if False:\n            pass\n    if limit",
    ),
    Fault(
        "what a cancelled call may have cost isn't booked",
        "_decide",
        '"cancelled", called.reserved, estimated=True',
        '"cancelled", Spent(calls=1)',
    ),
    Fault(
        "what a lost call may have cost isn't booked",
        "_decide",
        '"lost", called.reserved, estimated=True',
        '"lost", Spent(calls=1)',
    ),
    Fault(
        "what a call without usage may have cost isn't booked",
        "_decide",
        "return called.reserved, True",
        "return Spent(calls=1), True",
    ),
    Fault("a late reply is booked on top", "_conversation", "more = late.spent - known.spent", "more = late.spent"),
    Fault(
        "a late reply is booked each time that it comes",
        "_conversation",
        "tuple(charge for charge in c.charged if charge is not known)",
        "c.charged",
    ),
    Fault(
        "a late reply counts for the request of the day",
        "_conversation",
        "if known.request != c.request:\n        return c",
        "",
    ),
    Fault(
        "cancel leaves open calls",
        "_decide",
        "for call in c.open:\n        content = CANCELLED",
        "for call in ():\n        content = CANCELLED",
    ),
    Fault(
        "a cancelled request that waited is worked at",
        "_conversation",
        "if waiting.request != ended.request",
        "if True",
    ),
    Fault(
        "a once tool is run again after a death",
        "_decide",
        'and (tool is None or tool.replay == "once")',
        "and tool is None",
    ),
    Fault("a tool runs without its intent being kept", "_decide", "        steps.add(Begun(start.id))", "        pass"),
    Fault(
        "nobody is asked for approval",
        "_conversation",
        "return tool is not None and tool.approve and",
        "return False and tool is not None and",
    ),
    Fault(
        "a denial after the approval still counts",
        "_decide",
        "return call is not None and waits_for_approval(steps.rules, steps.c, call)",
        "return call is not None",
        rare=True,
    ),
    Fault("a result comes twice", "_decide", "if _open(steps, result.id) is None:", "if False:"),
    Fault(
        "results stand in the order in which they came",
        "_render",
        "for call in each.calls:\n                if call.id in results:\n                    yield results[call.id]",
        "for result in results.values():\n                if any(call.id == result.id for call in each.calls):\n"
        "                    yield result",
    ),
    Fault(
        "broken arguments are sent as they are",
        "_messages",
        "return self if is_object(self.arguments) else",
        "return self if True else",
    ),
    Fault("an empty reply is sent", "_events", "if not self.text and not self.calls:", "if False:"),
    Fault(
        "the budget of the conversation is forgotten",
        "_decide",
        "        or rules.total.refusal(c.spent, more)\n",
        "",
    ),
    Fault(
        "the budget of a request is that of all requests",
        "_conversation",
        "messages=(*c.messages, asked), turn=turn",
        "messages=(*c.messages, asked)",
    ),
    Fault(
        "the budget of one request is forgotten",
        "_decide",
        "        or c.turn.budget.refusal(c.turn.spent, more)\n",
        "",
    ),
    Fault(
        "the very same calls are run as often as the model likes",
        "_decide",
        "if repeats and wants == c.turn.last and c.turn.repeated >= min(repeats):",
        "if False:",
        rare=True,
    ),
    Fault(
        "the very same calls are run once too often",
        "_decide",
        "c.turn.repeated >= min(repeats)",
        "c.turn.repeated > min(repeats)",
    ),
    Fault("the budget of one request isn't kept", "_decide", "ask.pinned, ask.budget)", "ask.pinned, None)"),
    Fault(
        "the budget of one request is the next one's, too",
        "_conversation",
        "turn = NEW_TURN if asked.budget is None else Turn(budget=asked.budget)",
        "turn = Turn(budget=asked.budget or c.turn.budget)",
    ),
    Fault("what a tool spends on others isn't booked", "_conversation", "_booked(c, returned.spent)", "c"),
    Fault(
        "what a provider says to wait isn't waited",
        "_retry",
        "max(rules.pause(called.tries), retry_after or 0)",
        "rules.pause(called.tries)",
    ),
    Fault("what goes back to the letter is lost", "_decide", "verbatim=reply.verbatim)", "verbatim=None)"),
    Fault(
        "only what is spent counts, not what may be",
        "_decide",
        "limit = _limit(steps, bound)",
        "limit = _limit(steps, Spent(calls=1))",
    ),
    Fault("a price that isn't known is none", "_budget", 'return "unknown price"', "return None"),
    Fault(
        "the answer isn't in the bound",
        "_budget",
        "usage = Usage(prompt_bytes, max_tokens)",
        "usage = Usage(prompt_bytes, 0)",
    ),
    Fault(
        "the cache makes the bound smaller",
        "_budget",
        "dearest = max(self.input, self.cached or 0, self.written or 0)",
        "dearest = min(self.input, self.cached or self.input)",
    ),
    Fault(
        "a fraction of a millionth is free",
        "_budget",
        "return -(-exact.numerator // exact.denominator)",
        "return exact.numerator // exact.denominator - 1",
    ),
    Fault("a call is tried for ever", "_retry", "called.tries <= rules.retries:", "True:"),
    Fault("a lost call is sent for ever", "_decide", "if called.tries <= steps.rules.retries + 1:", "if True:"),
    Fault(
        "the next try has the number of the last",
        "_decide",
        "_call(steps, called.call, called.attempt + 1, retry, called.purpose)",
        "_call(steps, called.call, called.attempt, retry, called.purpose)",
    ),
    Fault("a failure for good leaves the request", "_decide", 'steps.end("failed", why=failed.why)', "pass"),
    Fault(
        "who waits is never taken",
        "_conversation",
        "return _begun_turn(evolve(c, queue=tuple(rest)), first)",
        "return c",
    ),
    Fault(
        "what is steered is lost as the model answers",
        "_decide",
        "if not steps.c.steering:\n            _answer",
        "if True:\n            _answer",
    ),
    Fault(
        "what was steered is said among results",
        "_conversation",
        "return evolve(c, steering=(*c.steering, event), steered=steered)",
        "return evolve(c, messages=(*c.messages, event), steered=steered)",
    ),
    Fault(
        "what was steered is asked again",
        "_conversation",
        "steered = (*c.steered, (event.id, event.request))",
        "steered = c.steered",
    ),
    Fault("an answer is mended for ever", "_decide", "if steps.c.turn.repaired < rules.repairs:", "if True:"),
    Fault(
        "a summary leaves open what was called",
        "_conversation",
        "evolve(c, called=None, summary=",
        "evolve(c, summary=",
    ),
    Fault(
        "a summary leaves out the question",
        "_conversation",
        "return (*pinned, *messages[start:])",
        "return (*pinned, *messages[start + 1 :])",
    ),
    Fault(
        "what was sent before a summary is sent after it",
        "_render",
        "known is not None and said[: len(known.said)] == known.said",
        "known is not None",
    ),
    Fault(
        "what was sent goes on without what is new",
        "_render",
        "messages = known.messages.then(_messages(said[len(known.said) :]))",
        "messages = known.messages",
    ),
    Fault("a fallback isn't asked for what a model won't do", "_retry", '("retry", "fallback")', '("retry",)'),
    Fault("a model that won't is tried again", "_retry", 'if kind == "retry" and called', "if called"),
]


@pytest.fixture
def laws_of(tmp_path, monkeypatch):
    """Return a function: the laws, as they judge a copy of the package that has a fault, or none."""
    root = f"planted_{tmp_path.name}"
    ours = {"jido_trio.ai": f"{root}.ai", "jido_trio.testing._chat_": f"{root}."}

    def of(fault=None):
        sources = {
            f"ai/{path.name}": path.read_text()
            for path in [*sorted((PACKAGE / "ai").glob("_*.py")), PACKAGE / "ai" / "inner.py"]
        }
        for part in ("check", "laws", "strategies", "world"):
            sources[f"{part}.py"] = (PACKAGE / "testing" / f"_chat_{part}.py").read_text()
        if fault is not None:
            at = f"ai/{fault.module}.py"
            sources[at] = sources[at].replace(fault.old, fault.new)
        (tmp_path / root / "ai").mkdir(parents=True)
        (tmp_path / root / "__init__.py").touch()
        for file, text in sources.items():
            copy = functools.reduce(lambda text, names: text.replace(*names), ours.items(), text)
            (tmp_path / root / file).write_text(copy)
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module(f"{root}.check")

    yield of
    for module in [name for name in sys.modules if name.partition(".")[0] == root]:
        del sys.modules[module]


EACH = 8
"""One in so many is planted in the default run, all of them in the long one."""


def _planted(number):
    is_quick = number % EACH == 2 and not FAULTS[number].rare
    return pytest.param(number, id=FAULTS[number].name, marks=[] if is_quick else [pytest.mark.long])


@pytest.mark.parametrize("number", [_planted(number) for number in range(len(FAULTS))])
def test_a_planted_fault_breaks_a_law(number, laws_of):
    laws = laws_of(FAULTS[number])
    with pytest.raises(Exception):  # noqa: PT011, B017  # a law says so, or the world breaks
        laws.check_conversation(examples=4000, shrink=False, seed=7)


def test_a_copy_without_a_fault_breaks_none(laws_of):
    laws_of().check_conversation(examples=100, seed=7)


def test_the_laws_hold_for_conversations_of_any_rules():
    check_conversation(examples=60)


def test_the_laws_hold_for_rules_of_ones_own():
    check_conversation(Rules(), examples=10)


def test_there_are_faults_enough_and_each_has_its_place():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 25
    for fault in FAULTS:
        assert (PACKAGE / "ai" / f"{fault.module}.py").read_text().count(fault.old) == 1, fault.name
