"""The laws of a conversation with a model, for any rules: run on random schedules, crashes of both kinds included.

The world here is as bad as can be: what is in flight ends in any order, twice, late, or never; replies are cut, name
tools that don't exist, and write arguments that are no JSON; the agent dies, or the process, between a commit and what
follows from it. After each step all laws are checked, and what was really paid is counted apart.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jido_trio.ai import (
    Approve,
    Approved,
    Ask,
    AskApproval,
    Asked,
    Begun,
    Budget,
    Called,
    CallFailed,
    CallModel,
    CancelRequest,
    ChatEvent,
    ChatInput,
    Compacted,
    Conversation,
    Deny,
    Ended,
    Late,
    Message,
    NoReply,
    Prompt,
    Recover,
    Refuted,
    Replied,
    Reply,
    Returned,
    Rules,
    RunTool,
    Spent,
    StartTool,
    Steered,
    ToolResult,
    Usage,
    Verbatim,
    Wanted,
    apply,
    decide,
    fold,
    lost,
    refusal,
    render,
    wanted,
)
from jido_trio.ai.inner import share
from jido_trio.testing._chat_strategies import FINISHES, TEXTS, Draw, budgets, chat_rules, tool_calls


class Chatting(Protocol):
    """A class of agents that speak with models, or the rules of their conversations."""

    rules: Rules


def check_conversation(
    of: Chatting | Rules | None = None, *, examples: int = 200, shrink: bool = True, seed: int | None = None
) -> None:
    """Hold conversations to their laws, on random schedules.

    The laws: what is sent is valid, and so is an idle conversation; each call of a tool has exactly one result, or is
    open, and results that are sent stand in the calls' order; at most one call of a model is in flight, and none while
    tools are; a try is sent once; the log gives the conversation; neither budget is overrun by what is booked and
    reserved, and what was paid is never more than that; an outcome belongs to the call that waits; a `once` tool runs
    at most once, and none before its `Begun`, nor before somebody approved where that is needed; who is asked something
    wants something; each request ends exactly once; asked twice is one request; and everything comes to rest when the
    world answers, from any point of the log on.

    Args:
        of: A class of agents or rules; random rules if not given.
        examples: How many schedules.
        shrink: Whether one that shows a fault is made as short as can be.
        seed: For the same schedules each time.

    Raises:
        AssertionError: A law is broken; Hypothesis shows the shortest schedule that it found.
    """
    rules = chat_rules() if of is None else st.just(of if isinstance(of, Rules) else of.rules)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]  # its members, says its metaclass
        report_multiple_bugs=False,
        phases=[phase for phase in Phase if shrink or phase is not Phase.shrink],
    )
    @given(rules, st.data())
    def conversations_keep_their_laws(rules: Rules, data: st.DataObject) -> None:
        world = _World(rules, data.draw)
        for _ in range(data.draw(st.integers(1, 25))):
            world.step()
        world.check_any_prefix(data.draw(st.integers(0, len(world.log))))
        world.rest()

    if seed is not None:
        conversations_keep_their_laws = hypothesis.seed(seed)(conversations_keep_their_laws)
    conversations_keep_their_laws()


STEPS = ("ask", "ask", *["end"] * 6, "late", "late", "cancel", "cancel", "crash", "crash", "judge", "judge")


class _World:
    """The shell, adversarial."""

    def __init__(self, rules: Rules, draw: Draw) -> None:
        self.rules = rules
        self.draw = draw
        self.c = Conversation()
        self.log: list[ChatEvent] = []
        self.flight: dict[str, CallModel | RunTool] = {}
        self.approvals: dict[str, AskApproval] = {}
        self.old: list[CallModel | RunTool] = []
        self.sent: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()
        self.paid = Spent()
        self.bound: dict[str, Spent] = {}
        self.asked: set[str] = set()
        self.budgets: dict[str, Budget] = {}
        """Of requests that have one of their own."""
        self.shares: dict[str, Budget] = {}
        """What a tool may spend on other agents."""
        self.told: tuple[Message, ...] = ()

    # The steps

    def step(self) -> None:
        """Do one thing to the conversation."""
        name: str = self.draw(st.sampled_from(STEPS))
        step: Callable[[], None] = getattr(self, name)
        step()

    def ask(self) -> None:
        """Ask something new, or again."""
        given = self.new_ask()
        known = self.c.knows(given.request)
        before = self.c
        self.tell(given)
        if known:
            assert self.c == before, f"{given.request} was asked before, and changed the conversation"

    def new_ask(self) -> Ask:
        """Draw a request, new or known."""
        request = f"r{self.draw(st.integers(1, 6))}"
        budget = self.draw(st.none() | st.none() | budgets)
        return Ask(request=request, text="hi", pinned=self.draw(st.booleans()), budget=budget)

    def end(self) -> None:
        """Have something come back that is in flight."""
        if not self.flight:
            return
        key = self.draw(st.sampled_from(sorted(self.flight)))
        want = self.flight.pop(key)
        outcome = self.outcome(want)
        for _ in range(self.draw(st.sampled_from([1, 1, 2]))):
            self.tell(outcome)

    def outcome(self, want: CallModel | RunTool) -> ChatInput:
        """Draw what it comes to; what it costs is paid."""
        if isinstance(want, RunTool):
            return ToolResult(
                id=want.id,
                content="x" * self.draw(st.integers(0, 30)),
                error=self.draw(st.booleans()),
                spent=self.spend(want),
                final=self.draw(st.sampled_from([False, False, False, True])),
            )
        if self.draw(st.integers(0, 3)) == 0:
            billed = self.draw(st.booleans())
            usage = self.pay(want) if billed else self.pay(want, nothing=True)
            kind = self.draw(st.sampled_from(["retry", "retry", "never", "overflow"]))
            told = usage if billed and self.draw(st.booleans()) else None
            wait = self.draw(st.sampled_from([None, None, 0.0, 60.0]))
            return NoReply(
                call=want.call,
                attempt=want.attempt,
                why="500",
                kind=kind,
                billed=billed,
                usage=told,
                retry_after=wait,
            )
        usage = self.pay(want)
        return Reply(
            call=want.call,
            attempt=want.attempt,
            text=self.draw(TEXTS),
            calls=tuple(self.draw(st.just([]) | st.lists(tool_calls, max_size=3))),
            finish=self.draw(FINISHES),
            usage=usage if self.draw(st.booleans()) else None,
            verbatim=self.draw(st.sampled_from([None, None, Verbatim("theirs", "{}")])),
        )

    def spend(self, want: RunTool) -> Spent:
        """Have a tool spend on other agents that it asks, at most its share of what is left."""
        most, parts = self.shares[want.id], self.draw(st.sampled_from([0, 0, 1, 2]))
        limits = {"tokens": (most.tokens, 300), "money": (most.millionths, 900), "calls": (most.calls, 2)}
        limits["tools"] = (most.tools, 2)
        return Spent(
            **{name: min(some, some if limit is None else limit) * parts // 2 for name, (limit, some) in limits.items()}
        )

    def pay(self, want: CallModel, *, nothing: bool = False) -> Usage:
        """Have the provider charge for a call, at most what was foreseen."""
        rule, bound = self.rules.model_rule(want.model), self.bound[want.key]
        output = 0 if nothing else self.draw(st.integers(0, rule.max_tokens))
        most = bound.tokens - rule.max_tokens
        asked = 0 if nothing else self.draw(st.sampled_from([0, most // 2, most]))
        cached, written = self.draw(st.sampled_from([(0, 0), (0, 0), (asked, 0), (asked // 2, asked // 2), (0, asked)]))
        usage = Usage(input=asked, output=output, cached=cached, written=written)
        cost = rule.price.cost(usage) if rule.price is not None else 0
        self.paid += Spent(tokens=usage.total, money=cost, calls=1)
        return usage

    def late(self) -> None:
        """Have something come back that nobody waits for."""
        if not self.old:
            return
        want = self.draw(st.sampled_from(self.old))
        if isinstance(want, CallModel):
            self.old.remove(want)
        outcome = self.outcome(want)
        for _ in range(2):
            self.tell(outcome)

    def cancel(self) -> None:
        """Cancel the request that is worked at, or another."""
        requests = sorted(self.asked)
        if requests:
            others = [self.c.request] if self.c.request is not None else []
            self.tell(CancelRequest(request=self.draw(st.sampled_from([*requests, *others]))))

    def judge(self) -> None:
        """Allow a call of a tool, or forbid it."""
        for id in list(self.approvals):
            word = Approve(id=id, by="me") if self.draw(st.booleans()) else Deny(id=id, reason="no")
            self.tell(word)
            self.tell(Deny(id=id, reason="too late"))

    def crash(self) -> None:
        """Kill the agent, or the whole process; maybe right after a commit, before anything followed from it."""
        process = self.draw(st.booleans())
        if process and self.draw(st.booleans()):
            self.commit(self.new_ask())
        if process:
            for want in self.flight.values():
                if isinstance(want, CallModel):
                    self.pay(want)
            self.flight.clear()
        self.recover()

    def recover(self) -> None:
        """Begin another life."""
        self.c = fold(self.log)
        named = lost(self.rules, self.c, self.flight)
        text = self.new_ask()
        recover = Recover(lost=named)
        one = self.ahead(recover, text)
        other = self.ahead(text, recover)
        if self.rules.busy == "queue":
            assert _without_order(one) == _without_order(other), "it matters whether an ask comes before Recover"
        self.tell(recover)

    def ahead(self, *inputs: ChatInput) -> Conversation:
        """Return what the conversation would be after these."""
        c = self.c
        for each in inputs:
            c = fold(decide(self.rules, c, each), c)
        return c

    # The shell

    def tell(self, given: ChatInput) -> None:
        """Commit what follows from an input, then make what is in flight equal to what is wanted."""
        self.commit(given)
        self.start()
        self.check()

    def commit(self, given: ChatInput) -> None:
        """Decide, and keep it."""
        events = decide(self.rules, self.c, given)
        assert events == decide(self.rules, self.c, given), "decide isn't pure"
        if isinstance(given, Ask):
            self.asked.add(given.request)
        _check_decision(self.c, given, events, self.log)
        for event in events:
            if isinstance(event, Called):
                self.bound[f"{event.call}.{event.attempt}"] = event.reserved
            elif isinstance(event, Asked):
                self.take(event, given)
            elif isinstance(event, Compacted):
                self.told = ()
            elif isinstance(event, Replied):
                self.check_order()
            elif isinstance(event, Ended) and event.how == "answered":
                assert not self.c.steering, "the model answered, and was never told what it was steered to"
            elif isinstance(event, Ended) and event.how == "budget":
                self.check_limit(event)
            self.c = apply(self.c, event)
            self.log.append(event)

    def take(self, asked: Asked, given: ChatInput) -> None:
        """Take note of what a request may spend."""
        assert isinstance(given, Ask), f"{given} made a request"
        assert asked == Asked(given.request, given.text, given.pinned, given.budget), f"{given} was taken as {asked}"
        if given.budget is not None:
            self.budgets[given.request] = given.budget

    def check_limit(self, ended: Ended) -> None:
        """Check that a request which ran out of its budget has such a limit."""
        name = "money" if ended.why == "unknown price" else ended.why
        of = (self.rules.budget, self.rules.total, self.budgets.get(ended.request, Budget()))
        assert any(getattr(each, name) is not None for each in of), f"{ended} ran out of what has no limit"

    def check_order(self) -> None:
        """Check that a reply stands right behind what the model was sent."""
        said = render(self.rules, self.c, self.rules.model).messages
        assert tuple(said[: len(said) - len(self.c.steering)]) == self.told, "a reply is no answer to what was sent"

    def start(self) -> None:
        """Start what is wanted and isn't in flight; give up what isn't wanted any more."""
        wants: dict[str, Wanted] = {_key(want): want for want in wanted(self.rules, self.c)}
        for key in list(self.flight):
            if key not in wants:
                self.old.append(self.flight.pop(key))
        self.approvals = {key: want for key, want in wants.items() if isinstance(want, AskApproval)}
        for key, want in wants.items():
            if isinstance(want, AskApproval) or key in self.flight:
                continue
            if isinstance(want, CallModel):
                self.send(want)
            else:
                self.run(want)
            self.flight[key] = want

    def send(self, want: CallModel) -> None:
        """Send a try of a call."""
        self.sent[want.key] += 1
        assert self.sent[want.key] == 1, f"the try {want.key} was sent twice"
        prompt: Prompt = render(self.rules, self.c, want.model, want.purpose)
        assert refusal(prompt.messages) is None, refusal(prompt.messages)
        assert prompt.messages, "an empty prompt was sent"
        if want.purpose == "chat":
            told, self.told = self.told, tuple(prompt.messages)
            assert self.told[: len(told)] == told, "what the model was told before isn't what it is told now"
        intended = (event for event in self.log if isinstance(event, Called))
        assert any((event.call, event.attempt) == (want.call, want.attempt) for event in intended)

    def run(self, want: RunTool) -> None:
        """Run a tool, after its intent was kept."""
        tool = self.rules.tool(want.name)
        assert tool is not None, f"{want.name} was run, and there is no such tool"
        tool.made(want.arguments)
        self.commit(StartTool(id=want.id))
        assert Begun(want.id) in self.log, f"{want.id} was run before that was kept"
        if tool.approve:
            allowed = any(isinstance(event, Approved) and event.id == want.id for event in self.log)
            assert allowed, f"{want.id} was run, and nobody allowed it"
        own = self.budgets.get(self.c.request or "", Budget())
        limits = ((self.rules.budget, self.c.turn.spent), (own, self.c.turn.spent), (self.rules.total, self.c.spent))
        self.shares[want.id] = share(limits, len(self.c.open))
        self.runs[want.id] += 1
        assert tool.replay != "once" or self.runs[want.id] == 1, f"{want.id} was run twice, and must be run once"

    # The laws

    def check(self) -> None:
        """Check what must hold at every moment."""
        c = self.c
        models = [want for want in self.flight.values() if isinstance(want, CallModel)]
        assert len(models) <= 1, "two calls of models are in flight"
        assert not models or len(self.flight) == 1, "a model was called while tools are run"
        assert fold(self.log) == c, "the log doesn't give the conversation"
        self.check_money()
        self.check_repeats()
        self.check_results()
        self.check_outcomes()
        ends = Counter(event.request for event in self.log if isinstance(event, Ended))
        assert all(count == 1 for count in ends.values()), f"a request ended twice: {ends}"
        taken = [event.request for event in self.log if isinstance(event, Asked)]
        taken += [event.id for event in self.log if isinstance(event, Steered)]
        assert len(taken) == len(set(taken)), f"a request was taken twice: {taken}"
        if c.request is None:
            left = c.open or c.called or c.queue or c.steering
            assert not left, f"{left} is left of a request that ended"
            prompt = render(self.rules, c, self.rules.model)
            assert refusal(prompt.messages) is None, refusal(prompt.messages)
        else:
            assert wanted(self.rules, c), "a request is worked at, and nothing is wanted"

    def check_money(self) -> None:
        """Check all budgets, by a count of our own."""
        whole, turn, worked_at = Spent(), Spent(), None
        spent_by: dict[tuple[int, int], tuple[Spent, object]] = {}
        for event, request in _with_requests(self.log):
            worked_at, turn = request, turn if worked_at == request else Spent()
            if isinstance(event, Replied | CallFailed | Compacted):
                whole, turn = whole + event.spent, turn + event.spent
                spent_by[event.call, event.attempt] = event.spent, request
                if isinstance(event, Compacted | Replied):
                    assert event.spent.calls == 1, "a call isn't counted as one"
            elif isinstance(event, Returned):
                whole, turn = whole + event.spent, turn + event.spent
            elif isinstance(event, Late):
                before, of = spent_by[event.call, event.attempt]
                more = event.spent - before
                whole = whole + more
                turn = turn + more if of == request else turn
                spent_by[event.call, event.attempt] = event.spent, of
            elif isinstance(event, Ended) and event.request == request:
                assert event.spent == turn, f"a request ended, and did cost {turn}, not {event.spent}"
        if self.c.request != worked_at:
            turn = Spent()
        assert self.c.spent == whole, f"booked are {self.c.spent}, and it was {whole}"
        reserved = self.c.reserved
        _within("request", self.rules.budget, turn, reserved)
        _within("request of its own", self.budgets.get(self.c.request or "", Budget()), turn, reserved)
        _within("conversation", self.rules.total, whole, reserved)
        booked = whole + reserved
        for name in ("tokens", "money"):
            paid, known = getattr(self.paid, name), getattr(booked, name)
            assert paid <= known, f"{name}: {paid} were paid, and {known} are booked"

    def check_results(self) -> None:
        """Check that each call has one result, or is open."""
        results = Counter(event.id for event in self.log if isinstance(event, Returned))
        calls = [call.id for event in self.log if isinstance(event, Replied) for call in event.calls]
        assert len(calls) == len(set(calls)), f"two calls have one id: {calls}"
        assert set(results) <= set(calls), "a result has no call"
        assert all(count == 1 for count in results.values()), f"a call has two results: {results}"
        assert set(calls) - set(results) == {call.id for call in self.c.open}, "a call is neither open nor has a result"
        for event in self.log:
            if isinstance(event, Returned):
                assert len(event.content) <= 10 * self.rules.max_result + 200, "a result is too long"

    def check_outcomes(self) -> None:
        """Check that outcomes belong to the call that waits, and that lost calls end as they should."""
        waiting: tuple[int, int] | None = None
        tries: Counter[tuple[int, str]] = Counter()
        mended: Counter[str] = Counter()
        for event in self.log:
            if isinstance(event, Called):
                assert waiting is None, "a model was called while another call waits"
                waiting = event.call, event.attempt
                tries[event.call, event.model] += 1
                assert tries[event.call, event.model] <= self.rules.retries + 2, "a model was tried too often"
            elif isinstance(event, Replied | CallFailed | Compacted):
                assert waiting == (event.call, event.attempt), f"{event} is no outcome of {waiting}"
                waiting = None
            elif isinstance(event, Refuted):
                mended[event.request] += 1
                assert mended[event.request] <= self.rules.repairs, "an answer was to be mended too often"

    def check_repeats(self) -> None:
        """Check that no tool is run for calls that the model has asked for too often in a row."""
        last: tuple[tuple[str, str], ...] = ()
        row, worked_at = 0, None
        for event, request in _with_requests(self.log):
            if request != worked_at:
                last, row, worked_at = (), 0, request
            if isinstance(event, Replied):
                calls = tuple((call.name, call.arguments) for call in event.calls)
                last, row = calls, row + 1 if calls == last else 1
            elif isinstance(event, Begun):
                of = (self.rules.budget, self.rules.total, self.budgets.get(request or "", Budget()))
                limits = [budget.repeats for budget in of if budget.repeats is not None]
                assert row <= min(limits, default=row), f"{last} was asked for {row} times in a row, and run"

    def check_any_prefix(self, length: int) -> None:
        """Check that everything comes to rest from any point of the log on, as if the process had died there."""
        world = _World(self.rules, self.draw)
        world.log = self.log[:length]
        world.paid = Spent()
        for event in world.log:
            if isinstance(event, Called):
                world.bound[f"{event.call}.{event.attempt}"] = event.reserved
                world.sent[f"{event.call}.{event.attempt}"] += 1
            elif isinstance(event, Begun):
                world.runs[event.id] += 1
            elif isinstance(event, Asked):
                world.asked.add(event.request)
                if event.budget is not None:
                    world.budgets[event.request] = event.budget
        world.c = fold(world.log)
        world.tell(Recover(lost=lost(self.rules, world.c)))
        world.rest()

    def rest(self) -> None:
        """Have everything answer, and check that this is the end of it."""
        for _ in range(300):
            for id in list(self.approvals):
                self.tell(Approve(id=id))
            if not self.flight:
                break
            want = self.flight.pop(min(self.flight))
            if isinstance(want, RunTool):
                self.tell(ToolResult(id=want.id, content="ok"))
            else:
                text = json.dumps({"good": True})
                self.pay(want, nothing=True)
                self.tell(Reply(call=want.call, attempt=want.attempt, text=text, finish="stop", usage=Usage()))
        assert self.c.request is None, "everything answered, and a request is still worked at"
        asked = {event.request for event in self.log if isinstance(event, Asked)}
        ended = {event.request for event in self.log if isinstance(event, Ended)}
        assert asked == ended, f"asked were {asked}, and ended have {ended}"


def _with_requests(log: Sequence[ChatEvent]) -> Iterator[tuple[ChatEvent, str | None]]:
    """Yield each event with the request that was worked at, or is with it."""
    request: str | None = None
    queue: list[str] = []
    for event in log:
        if isinstance(event, Asked):
            if request is None:
                request = event.request
            else:
                queue.append(event.request)
        yield event, request
        if isinstance(event, Ended):
            if event.request != request:
                queue.remove(event.request)
            else:
                request = queue.pop(0) if queue else None


def _check_decision(c: Conversation, given: ChatInput, events: Sequence[ChatEvent], log: Sequence[ChatEvent]) -> None:
    """Check what follows at once from one input."""
    waits = c.called
    outcomes = [event for event in events if isinstance(event, Replied | CallFailed | Compacted)]
    match given:
        case Reply() | NoReply() if waits is None or (given.call, given.attempt) != (waits.call, waits.attempt):
            assert not outcomes, f"{given} was taken for the outcome of {waits}"
        case Reply() if given.finish in (None, "content_filter") or (given.finish == "length" and given.calls):
            assert not any(isinstance(event, Replied) for event in events), f"{given} was taken for a whole reply"
        case NoReply(kind="never") if waits is not None and waits.purpose == "chat":
            assert any(isinstance(event, Ended) for event in events), f"{given} is for good, and the request goes on"
        case NoReply(kind="retry", retry_after=float(wait)):
            for event in events:
                if (
                    isinstance(event, Called)
                    and waits is not None
                    and (event.call, event.model) == (waits.call, waits.model)
                ):
                    assert event.delay >= wait, (
                        f"the provider said to wait {wait} s, and it is called after {event.delay}"
                    )
        case Reply():
            for event in events:
                if isinstance(event, Replied):
                    kept = given.verbatim if given.calls else None
                    assert (event.text, event.verbatim) == (given.text, kept), f"{given} was kept as {event}"
        case Deny() if any(isinstance(event, Approved) and event.id == given.id for event in log):
            assert not events, f"{given.id} was denied after it was approved"
        case _:
            pass


def _key(want: Wanted) -> str:
    return want.id if isinstance(want, AskApproval) else want.key


def _within(whose: str, budget: Budget, spent: Spent, reserved: Spent) -> None:
    for name, most in (("tokens", budget.tokens), ("calls", budget.calls), ("tools", budget.tools)):
        if most is not None:
            known = getattr(spent + reserved, name)
            assert known <= most, f"{known} {name} of a {whose} are booked or reserved, and {most} are allowed"
    if budget.millionths is not None:
        money = (spent + reserved).money
        assert money <= budget.millionths, f"{money} of a {whose} are booked or reserved, not {budget.millionths}"
        assert budget.unknown_price or not (spent + reserved).unpriced, "a model without a price was called"


def _without_order(c: Conversation) -> object:
    """Return what mustn't depend on the order: all but the numbers of calls, and what was sent when."""
    return (c.request, c.queue, c.open, c.begun, c.approved, c.summary, {each.request for each in c.ended})
