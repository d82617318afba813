"""The one place that decides: what a conversation makes of an input. Pure; time, cost and ids come with the input.

A request is worked at in turns: a call of the model, then the tools that it asked for, then the next call, until it
answers. At every moment exactly one of these holds:

    nothing is asked        no call of a model, no open call of a tool, nothing in the queue
    a model is called       `called`; no open call of a tool
    tools are to be run     `open`; no call of a model

`_go_on` restores this at the end of each decision, so a conversation that is asked something always wants something.
A try of a call is one request with one record: `Called` before it, and one of `Replied`, `CallFailed`, `Compacted`
after it. An outcome that isn't the one that is waited for can only settle what is booked (`Late`).
"""

from typing import Never, get_args

from attrs import define, evolve, field

from jido_trio.ai._answer import UnfitAnswer, answer_of
from jido_trio.ai._budget import Limit, Spent, bound_of, spent_on
from jido_trio.ai._conversation import (
    Conversation,
    apply,
    before_turn,
    charge_for,
    flight_key,
    joined,
    waits_for_approval,
)
from jido_trio.ai._events import (
    Approved,
    Asked,
    Begun,
    Called,
    CallFailed,
    ChatEvent,
    Compacted,
    Ended,
    How,
    Late,
    Purpose,
    Refuted,
    Replied,
    Returned,
    Steered,
)
from jido_trio.ai._inputs import (
    Approve,
    Ask,
    CancelRequest,
    ChatInput,
    Deny,
    Kind,
    NoReply,
    Recover,
    Reply,
    StartTool,
    ToolResult,
)
from jido_trio.ai._messages import ToolCall, Usage
from jido_trio.ai._render import CUT_SUMMARY, render, size_and_digest
from jido_trio.ai._retry import Retry, retry_after
from jido_trio.ai._rules import Rules
from jido_trio.ai._tools import problem_of
from jido_trio.redact import shown

LOST_TOOL = "It was running when the program died. It may have happened: check before you ask for it again."
CANCELLED_TOOL = "Cancelled while it was running. It may have happened."
NOT_RUN = "Cancelled before it was run."


def decide(rules: Rules, c: Conversation, given: ChatInput) -> tuple[ChatEvent, ...]:
    """Return what happens in a conversation when it is told something: nothing, if that is of no interest any more.

    Raises:
        TypeError: It is told what is no `ChatInput`.
    """
    return decided(rules, c, given)[1]


def decided(rules: Rules, c: Conversation, given: ChatInput) -> tuple[Conversation, tuple[ChatEvent, ...]]:
    """Return what `decide` does, with the conversation after it.

    Raises:
        TypeError: See `decide`.
    """
    steps = _Steps(rules, c)
    match given:
        case Ask():
            _ask(steps, given)
        case Reply():
            _reply(steps, given)
        case NoReply():
            _no_reply(steps, given)
        case StartTool():
            _start_tool(steps, given)
        case ToolResult():
            _tool_result(steps, given)
        case Approve():
            if _awaited(steps, given.id):
                steps.add(Approved(given.id, given.by))
        case Deny():
            if _awaited(steps, given.id):
                reason = f": {given.reason}" if given.reason else ""
                steps.add(Returned(given.id, f"It is not allowed{reason}.", error=True))
        case CancelRequest():
            _cancel(steps, given)
        case Recover():
            _recover(steps, given)
        case _:
            raise _no_input(given)
    _go_on(steps)
    return steps.c, tuple(steps.events)


def _no_input(given: Never) -> TypeError:
    known = ", ".join(each.__name__ for each in get_args(ChatInput))
    return TypeError(
        f"a conversation is told inputs, not {shown(given)}; give a value of one of {known}, "
        "say Ask(request='1', text='...')"
    )


def is_refused(rules: Rules, c: Conversation, request: str) -> bool:
    """Tell whether that would not be taken, as another request is worked at and the rules say "reject"."""
    return rules.busy == "reject" and c.request is not None and not c.knows(request)


@define
class _Steps:
    """A decision as it is made: the conversation so far, and the events that led there."""

    rules: Rules
    c: Conversation
    events: list[ChatEvent] = field(factory=list)

    def add(self, event: ChatEvent) -> None:
        self.events.append(event)
        self.c = apply(self.c, event)

    def end(self, how: How, *, text: str = "", why: str = "", problems: tuple[str, ...] = ()) -> None:
        """End the request that is worked at."""
        request = self.c.request
        if request is not None:
            self.add(Ended(request, how, text, why, problems, self.c.turn.spent))


# What is asked


def _ask(steps: _Steps, ask: Ask) -> None:
    c = steps.c
    if c.knows(ask.request) or is_refused(steps.rules, c, ask.request):
        return
    if c.request is not None and steps.rules.busy == "steer":
        steps.add(Steered(ask.request, c.request, ask.text))
    else:
        steps.add(Asked(ask.request, ask.text, ask.pinned, ask.budget))


def _cancel(steps: _Steps, cancel: CancelRequest) -> None:
    c = steps.c
    if c.request is None or c.request != joined(c, cancel.request):
        if any(waiting.request == cancel.request for waiting in c.queue):
            steps.add(Ended(cancel.request, "cancelled"))
        return
    for call in c.open:
        content = CANCELLED_TOOL if call.id in c.begun else NOT_RUN
        steps.add(Returned(call.id, content, error=True))
    if c.called is not None:
        called = c.called
        steps.add(CallFailed(called.call, called.attempt, "cancelled", called.reserved, estimated=True))
    steps.end("cancelled")


# What a model said


def _reply(steps: _Steps, reply: Reply) -> None:
    called = _waiting_for(steps, reply.call, reply.attempt)
    if called is None:
        _settle(steps, reply.call, reply.attempt, reply.usage)
        return
    spent, estimated = _cost(steps.rules, called, reply.usage)
    cut = _cut(reply, called.purpose)
    if cut is not None:
        _failed(steps, called, CallFailed(called.call, called.attempt, cut, spent, estimated), "retry", None)
    elif reply.finish == "content_filter":
        steps.add(CallFailed(called.call, called.attempt, "refused", spent, estimated))
        if called.purpose == "chat":  # what was said before can't be summed up; it goes on with all of it
            steps.end("refused", text=reply.text, why="content filter")
    elif called.purpose == "compact":
        before = steps.c.request or ""
        summary = f"{reply.text}\n{CUT_SUMMARY}" if reply.finish == "length" else reply.text
        steps.add(Compacted(called.call, called.attempt, summary, before, spent, estimated))
    elif reply.calls:
        _asked_for_tools(steps, called, reply, spent, estimated=estimated)
    else:
        is_cut = reply.finish == "length"
        steps.add(Replied(called.call, called.attempt, reply.text, (), spent, estimated, is_cut))
        if not steps.c.steering:
            _answer(steps, reply.text)


def _waiting_for(steps: _Steps, call: int, attempt: int) -> Called | None:
    called = steps.c.called
    return called if called is not None and (called.call, called.attempt) == (call, attempt) else None


def _cut(reply: Reply, purpose: Purpose) -> str | None:
    if reply.finish is None:
        return "the reply ended without a reason"
    if reply.finish == "length" and reply.calls:
        return "the reply was cut within a call of a tool"
    if reply.finish == "tool_calls" and not reply.calls and not reply.text:
        return "the reply names no tool"
    if purpose == "compact" and not reply.text.strip():
        return "the summary is empty"
    return None


def _cost(rules: Rules, called: Called, usage: Usage | None) -> tuple[Spent, bool]:
    if usage is None:
        return called.reserved, True
    return spent_on(usage, rules.model_rule(called.model).price), False


def _asked_for_tools(steps: _Steps, called: Called, reply: Reply, spent: Spent, *, estimated: bool) -> None:
    calls = tuple(_named(called.call, number, call) for number, call in enumerate(reply.calls, start=1))
    runs = Spent(tools=len(calls))
    limit = _tools_limit(steps, calls, runs)
    booked = spent if limit is not None else spent + runs
    replied = Replied(called.call, called.attempt, reply.text, calls, booked, estimated, verbatim=reply.verbatim)
    steps.add(replied)
    for call in calls:
        if limit is not None:
            steps.add(Returned(call.id, f"It was not run: the budget of {limit} is used up.", error=True))
            continue
        problem = problem_of(steps.rules.tools, call.name, call.arguments)
        if problem is not None:
            steps.add(Returned(call.id, problem, error=True))
    if limit is not None:
        steps.end("budget", text=reply.text, why=limit)


def _named(call: int, number: int, asked: ToolCall) -> ToolCall:
    return evolve(asked, id=f"call_{call}_{number}")


def _tools_limit(steps: _Steps, calls: tuple[ToolCall, ...], runs: Spent) -> Limit | None:
    rules, c = steps.rules, steps.c
    wants = tuple((call.name, call.arguments) for call in calls)
    repeats = [each.repeats for each in (rules.budget, c.turn.budget, rules.total) if each.repeats is not None]
    if repeats and wants == c.turn.last and c.turn.repeated >= min(repeats):
        return "repeats"
    return _limit(steps, runs)


def _limit(steps: _Steps, more: Spent) -> Limit | None:
    rules, c = steps.rules, steps.c
    return (
        rules.budget.refusal(c.turn.spent, more)
        or c.turn.budget.refusal(c.turn.spent, more)
        or rules.total.refusal(c.spent, more)
    )


def _answer(steps: _Steps, text: str) -> None:
    rules = steps.rules
    if rules.answer is None:
        steps.end("answered", text=text)
        return
    try:
        answer_of(text, rules.answer)
    except UnfitAnswer as unfit:
        if steps.c.turn.repaired < rules.repairs:
            steps.add(Refuted(steps.c.request or "", unfit.problems))
        else:
            steps.end("failed", text=text, why="the answer doesn't fit", problems=unfit.problems)
    else:
        steps.end("answered", text=text)


# What became of a call that failed


def _no_reply(steps: _Steps, failure: NoReply) -> None:
    called = _waiting_for(steps, failure.call, failure.attempt)
    usage = failure.usage if failure.billed else Usage()
    if called is None:
        _settle(steps, failure.call, failure.attempt, usage)
        return
    spent, estimated = _cost(steps.rules, called, usage)
    failed = CallFailed(called.call, called.attempt, failure.why, spent, estimated)
    _failed(steps, called, failed, failure.kind, failure.retry_after)


def _failed(steps: _Steps, called: Called, failed: CallFailed, kind: Kind, wait: float | None) -> None:
    steps.add(failed)
    retry = retry_after(steps.rules, called, kind, wait)
    if retry is not None:
        _call(steps, called.call, called.attempt + 1, retry, called.purpose)
    elif called.purpose == "compact":
        pass  # it goes on with all that was said
    elif kind == "overflow" and _may_compact(steps):
        _call(steps, steps.c.calls + 1, 1, Retry(steps.rules.model, 1, 0), "compact")
    else:
        steps.end("failed", why=failed.why)


def _settle(steps: _Steps, call: int, attempt: int, usage: Usage | None) -> None:
    """Book what a call that was given up did cost, if it is known now."""
    charge = charge_for(steps.c, call, attempt)
    if charge is None or usage is None:
        return
    unknown = charge.spent.unpriced > 0
    price = None if unknown else steps.rules.model_rule(charge.model).price
    steps.add(Late(call, attempt, spent_on(usage, price)))


# Tools


def _awaited(steps: _Steps, id: str) -> bool:
    call = _open(steps, id)
    return call is not None and waits_for_approval(steps.rules, steps.c, call)


def _open(steps: _Steps, id: str) -> ToolCall | None:
    return next((call for call in steps.c.open if call.id == id), None)


def _start_tool(steps: _Steps, start: StartTool) -> None:
    call = _open(steps, start.id)
    if call is not None and start.id not in steps.c.begun and not waits_for_approval(steps.rules, steps.c, call):
        steps.add(Begun(start.id))


def _tool_result(steps: _Steps, result: ToolResult) -> None:
    if _open(steps, result.id) is None:
        return
    content, most = result.content, steps.rules.max_result
    if len(content) > most:
        content = f"{content[:most]}\n(cut: these are {most} of {len(content)} characters)"
    steps.add(Returned(result.id, content, result.error, result.spent, result.final and not result.error))


# Lives


def _recover(steps: _Steps, recover: Recover) -> None:
    rules, called = steps.rules, steps.c.called
    if called is not None and flight_key(called.call, called.attempt) in recover.lost:
        steps.add(CallFailed(called.call, called.attempt, "lost", called.reserved, estimated=True))
        if rules.on_lost == "fail":
            steps.end("failed", why="lost: the program died while the model was called")
        else:
            _resend(steps, called)
    for call in steps.c.open:
        tool = rules.tool(call.name)
        if call.id in steps.c.begun:
            if call.id in recover.lost and (tool is None or tool.replay == "once"):
                steps.add(Returned(call.id, LOST_TOOL, error=True))
            continue
        problem = problem_of(rules.tools, call.name, call.arguments)
        if problem is not None:  # the tool is gone, or is another one by now
            steps.add(Returned(call.id, problem, error=True))


def _resend(steps: _Steps, called: Called) -> None:
    """Send a call again that was in flight when the process died; that isn't the model's fault, so one more is free."""
    if called.tries <= steps.rules.retries + 1:
        _call(steps, called.call, called.attempt + 1, Retry(called.model, called.tries + 1, 0), called.purpose)
    elif called.purpose == "chat":
        steps.end("failed", why="lost: the program died each time when the model was called")


# The next call


def _go_on(steps: _Steps) -> None:
    """Call the model, where neither a call nor a tool is under way; or end the request, and the ones that waited."""
    while steps.c.request is not None and steps.c.called is None and not steps.c.open:
        if steps.c.turn.answer is not None and not steps.c.steering:
            _answer(steps, steps.c.turn.answer)
            continue
        first = Retry(steps.rules.model, 1, 0)
        purpose: Purpose = "compact" if _is_long(steps) else "chat"
        _call(steps, steps.c.calls + 1, 1, first, purpose)


def _is_long(steps: _Steps) -> bool:
    most = steps.rules.compact_at
    if most is None or not _may_compact(steps):
        return False
    size, _ = size_and_digest(render(steps.rules, steps.c, steps.rules.model))
    return size > most


def _may_compact(steps: _Steps) -> bool:
    c = steps.c
    if c.turn.compacted:
        return False
    return any(not (isinstance(said, Asked) and said.pinned) for said in before_turn(c.messages, c.request or ""))


def _call(steps: _Steps, call: int, attempt: int, how: Retry, purpose: Purpose) -> None:
    """Have a model called, if its upper bound fits the budgets; otherwise the request ends."""
    rules, c = steps.rules, steps.c
    request = c.request
    if request is None:
        return
    rule = rules.model_rule(how.model)
    size, digest = size_and_digest(render(rules, c, how.model, purpose))
    bound = bound_of(size, rule.max_tokens, rule.price)
    limit = _limit(steps, bound)
    if limit is None:
        steps.add(Called(request, call, attempt, how.model, how.tries, bound, digest, purpose, how.delay))
    else:
        steps.end("budget", why=limit)
