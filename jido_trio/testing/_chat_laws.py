"""The laws of a conversation with a model, as functions of how it was held: each says what is wrong, or nothing.

They know nothing of the decisions that led there, and count for themselves: what is booked, how often the same was
asked for, what belongs to which request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from attrs import define, field

from jido_trio.ai import (
    Approved,
    Ask,
    Asked,
    Begun,
    Budget,
    Called,
    CallFailed,
    CallModel,
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
    Refuted,
    Replied,
    Reply,
    Returned,
    Rules,
    RunTool,
    Spent,
    Steered,
    fold,
    refusal,
    render,
    wanted,
)


@define(eq=False)
class Held:
    """A conversation as it is held."""

    rules: Rules
    c: Conversation = field(factory=Conversation, init=False)
    log: list[ChatEvent] = field(factory=list, init=False)
    flight: dict[str, CallModel | RunTool] = field(factory=dict, init=False)
    budgets: dict[str, Budget] = field(factory=dict, init=False)
    """Of requests that have one of their own."""
    told: tuple[Message, ...] = field(default=(), init=False)
    """What the model was sent last."""
    paid: Spent = field(factory=Spent, init=False)
    """What providers really charged."""
    sent: Counter[str] = field(factory=Counter, init=False)
    """How often each try was."""
    runs: Counter[str] = field(factory=Counter, init=False)
    """How often each call of a tool was run."""
    torn: frozenset[str] = field(default=frozenset(), init=False)
    """Calls of a reply of which not all that was decided is in the log: that they are none too many isn't known."""

    def budget_of(self, request: str | None) -> Budget:
        """Return the budget of a request's own, if it has one."""
        return self.budgets.get(request or "", Budget())


# Of one step


def check_pure(once: Sequence[ChatEvent], twice: Sequence[ChatEvent]) -> None:
    """Check that a decision is the same when it is made again."""
    assert once == twice, "decide isn't pure"


def check_unchanged(before: Conversation, after: Conversation, given: Ask) -> None:
    """Check that what is known isn't asked again."""
    assert before == after, f"{given.request} was asked before, and changed the conversation"


def check_in_any_order(one: Conversation, other: Conversation) -> None:
    """Check that two inputs came to the same, whichever was first: all but the numbers of calls, and what was sent."""
    assert _regardless(one) == _regardless(other), "it matters whether an ask comes before Recover"


def _regardless(c: Conversation) -> object:
    return (c.request, c.queue, c.open, c.begun, c.approved, c.summary, {each.request for each in c.ended})


def check_decision(held: Held, given: ChatInput, events: Sequence[ChatEvent]) -> None:
    """Check what follows at once from one input."""
    waits = held.c.called
    outcomes = [event for event in events if isinstance(event, Replied | CallFailed | Compacted)]
    match given:
        case Reply() | NoReply() if waits is None or (given.call, given.attempt) != (waits.call, waits.attempt):
            assert not outcomes, f"{given} was taken for the outcome of {waits}"
        case Reply() if given.finish in (None, "content_filter") or (given.finish == "length" and given.calls):
            assert not any(isinstance(event, Replied) for event in events), f"{given} was taken for a whole reply"
        case NoReply(kind="never") if waits is not None and waits.purpose == "chat":
            assert any(isinstance(event, Ended) for event in events), f"{given} is for good, and the request goes on"
        case NoReply(kind="fallback") if waits is not None:
            again = [event for event in events if isinstance(event, Called) and event.call == waits.call]
            assert all(event.model != waits.model for event in again), f"{given}, and {waits.model} is called again"
            has_one = held.rules.model_rule(waits.model).fallback is not None
            is_dear = any(isinstance(event, Ended) and event.how == "budget" for event in events)
            assert again or is_dear or not has_one, f"{given}, and the fallback of {waits.model} isn't asked"
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
        case Deny() if any(isinstance(event, Approved) and event.id == given.id for event in held.log):
            assert not events, f"{given.id} was denied after it was approved"
        case _:
            pass


def check_event(held: Held, given: ChatInput, event: ChatEvent) -> None:
    """Check what happens, by what was there before."""
    c = held.c
    match event:
        case Asked():
            assert isinstance(given, Ask), f"{given} made a request"
            assert event == Asked(given.request, given.text, given.pinned, given.budget), (
                f"{given} was taken as {event}"
            )
        case Replied():
            said = render(held.rules, c, held.rules.model).messages
            assert tuple(said[: len(said) - len(c.steering)]) == held.told, "a reply is no answer to what was sent"
        case Ended(how="answered"):
            assert not c.steering, "the model answered, and was never told what it was steered to"
        case Ended(how="budget"):
            name = "money" if event.why == "unknown price" else event.why
            of = (held.rules.budget, held.rules.total, held.budget_of(event.request))
            assert any(getattr(each, name) is not None for each in of), f"{event} ran out of what has no limit"
        case _:
            pass


def check_sent(held: Held, want: CallModel, prompt: Prompt) -> None:
    """Check what a model is sent."""
    assert held.sent[want.key] == 1, f"the try {want.key} was sent twice"
    assert refusal(prompt.messages) is None, refusal(prompt.messages)
    assert prompt.messages, "an empty prompt was sent"
    if want.purpose == "chat":
        before = held.told
        assert tuple(prompt.messages[: len(before)]) == before, (
            "what the model was told before isn't what it is told now"
        )
    intended = (event for event in held.log if isinstance(event, Called))
    assert any((event.call, event.attempt) == (want.call, want.attempt) for event in intended)
    anew = render(held.rules, fold(held.log), want.model, want.purpose)
    assert prompt == anew, "what is sent isn't what the log gives"


def check_run(held: Held, want: RunTool) -> None:
    """Check that a tool may be run."""
    tool = held.rules.tool(want.name)
    assert tool is not None, f"{want.name} was run, and there is no such tool"
    tool.made(want.arguments)
    assert tool.replay != "once" or held.runs[want.id] == 1, f"{want.id} was run twice, and must be run once"
    assert Begun(want.id) in held.log, f"{want.id} was run before that was kept"
    if tool.approve:
        allowed = any(isinstance(event, Approved) and event.id == want.id for event in held.log)
        assert allowed, f"{want.id} was run, and nobody allowed it"


# At every moment


def check_moment(held: Held) -> None:
    """Check what must hold at every moment."""
    c = held.c
    models = [want for want in held.flight.values() if isinstance(want, CallModel)]
    assert len(models) <= 1, "two calls of models are in flight"
    assert not models or len(held.flight) == 1, "a model was called while tools are run"
    assert fold(held.log) == c, "the log doesn't give the conversation"
    _check_money(held)
    _check_repeats(held)
    _check_results(held)
    _check_outcomes(held)
    ends = Counter(event.request for event in held.log if isinstance(event, Ended))
    assert all(count == 1 for count in ends.values()), f"a request ended twice: {ends}"
    taken = [event.request for event in held.log if isinstance(event, Asked)]
    taken += [event.id for event in held.log if isinstance(event, Steered)]
    assert len(taken) == len(set(taken)), f"a request was taken twice: {taken}"
    if c.request is None:
        left = c.open or c.called or c.queue or c.steering
        assert not left, f"{left} is left of a request that ended"
        prompt = render(held.rules, c, held.rules.model)
        assert refusal(prompt.messages) is None, refusal(prompt.messages)
    else:
        assert wanted(held.rules, c), "a request is worked at, and nothing is wanted"


def _check_money(held: Held) -> None:
    """Check all budgets, by a count of our own."""
    whole, turn, worked_at = Spent(), Spent(), None
    spent_by: dict[tuple[int, int], tuple[Spent, object]] = {}
    for event, request in _with_requests(held.log):
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
    if held.c.request != worked_at:
        turn = Spent()
    assert held.c.spent == whole, f"booked are {held.c.spent}, and it was {whole}"
    reserved = held.c.reserved
    _within("request", held.rules.budget, turn, reserved)
    _within("request of its own", held.budget_of(held.c.request), turn, reserved)
    _within("conversation", held.rules.total, whole, reserved)
    booked = whole + reserved
    for name in ("tokens", "money"):
        paid, known = getattr(held.paid, name), getattr(booked, name)
        assert paid <= known, f"{name}: {paid} were paid, and {known} are booked"


def _check_results(held: Held) -> None:
    """Check that each call has one result, or is open."""
    results = Counter(event.id for event in held.log if isinstance(event, Returned))
    calls = [call.id for event in held.log if isinstance(event, Replied) for call in event.calls]
    assert len(calls) == len(set(calls)), f"two calls have one id: {calls}"
    assert set(results) <= set(calls), "a result has no call"
    assert all(count == 1 for count in results.values()), f"a call has two results: {results}"
    assert set(calls) - set(results) == {call.id for call in held.c.open}, "a call is neither open nor has a result"
    for event in held.log:
        if isinstance(event, Returned):
            assert len(event.content) <= 10 * held.rules.max_result + 200, "a result is too long"


def _check_outcomes(held: Held) -> None:
    """Check that outcomes belong to the call that waits, and that lost calls end as they should."""
    waiting: tuple[int, int] | None = None
    tries: Counter[tuple[int, str]] = Counter()
    mended: Counter[str] = Counter()
    for event in held.log:
        if isinstance(event, Called):
            assert waiting is None, "a model was called while another call waits"
            waiting = event.call, event.attempt
            tries[event.call, event.model] += 1
            assert tries[event.call, event.model] <= held.rules.retries + 2, "a model was tried too often"
        elif isinstance(event, Replied | CallFailed | Compacted):
            assert waiting == (event.call, event.attempt), f"{event} is no outcome of {waiting}"
            waiting = None
        elif isinstance(event, Refuted):
            mended[event.request] += 1
            assert mended[event.request] <= held.rules.repairs, "an answer was to be mended too often"


def _check_repeats(held: Held) -> None:
    """Check that no tool is run for calls that the model has asked for too often in a row."""
    last: tuple[tuple[str, str], ...] = ()
    row, worked_at = 0, None
    for event, request in _with_requests(held.log):
        if request != worked_at:
            last, row, worked_at = (), 0, request
        if isinstance(event, Replied):
            calls = tuple((call.name, call.arguments) for call in event.calls)
            last, row = calls, row + 1 if calls == last else 1
        elif isinstance(event, Begun) and event.id not in held.torn:
            of = (held.rules.budget, held.rules.total, held.budget_of(request))
            limits = [budget.repeats for budget in of if budget.repeats is not None]
            assert row <= min(limits, default=row), f"{last} was asked for {row} times in a row, and run"


# At the end


def check_rest(held: Held) -> None:
    """Check that nothing is left when everything has answered."""
    assert held.c.request is None, "everything answered, and a request is still worked at"
    asked = {event.request for event in held.log if isinstance(event, Asked)}
    ended = {event.request for event in held.log if isinstance(event, Ended)}
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


def _within(whose: str, budget: Budget, spent: Spent, reserved: Spent) -> None:
    for name, most in (("tokens", budget.tokens), ("calls", budget.calls), ("tools", budget.tools)):
        if most is not None:
            known = getattr(spent + reserved, name)
            assert known <= most, f"{known} {name} of a {whose} are booked or reserved, and {most} are allowed"
    if budget.millionths is not None:
        money = (spent + reserved).money
        assert money <= budget.millionths, f"{money} of a {whose} are booked or reserved, not {budget.millionths}"
        assert budget.unknown_price or not (spent + reserved).unpriced, "a model without a price was called"
