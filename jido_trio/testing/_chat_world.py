"""The world of a conversation with a model, as bad as can be, with all that happens in it drawn.

What is in flight ends in any order, twice, late, or never; replies are cut, name tools that don't exist, write
arguments that are no JSON, and ask for the very same again; the agent dies, or the process, between a commit and what
follows from it. After each step all laws are checked, and what was really paid is counted apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from attrs import define, field
from hypothesis import strategies as st

from jido_trio.ai import (
    Approve,
    Ask,
    AskApproval,
    Asked,
    Begun,
    Budget,
    Called,
    CallModel,
    CancelRequest,
    ChatInput,
    Compacted,
    Conversation,
    Deny,
    NoReply,
    Prompt,
    Recover,
    Replied,
    Reply,
    RunTool,
    Spent,
    StartTool,
    ToolCall,
    ToolResult,
    Usage,
    Verbatim,
    Wanted,
    apply,
    decide,
    fold,
    lost,
    render,
    wanted,
)
from jido_trio.ai.inner import share
from jido_trio.testing._chat_laws import (
    Held,
    check_decision,
    check_event,
    check_in_any_order,
    check_moment,
    check_pure,
    check_rest,
    check_run,
    check_sent,
    check_unchanged,
)
from jido_trio.testing._chat_strategies import FINISHES, TEXTS, Draw, budgets, tool_calls

STEPS = ("ask", "ask", *["end"] * 6, "late", "late", "cancel", "cancel", "crash", "crash", "judge", "judge")
LONG_STEPS = ("ask", *["end"] * 12, "late", "cancel", "crash", *["judge"] * 2)
"""For a model that goes round in circles: most requests are worked at for long."""


@define(eq=False)
class World(Held):
    """The shell, adversarial."""

    draw: Draw = field(kw_only=True)
    approvals: dict[str, AskApproval] = field(factory=dict)
    old: list[CallModel | RunTool] = field(factory=list)
    bound: dict[str, Spent] = field(factory=dict)
    asked: set[str] = field(factory=set)
    ends: set[int] = field(factory=set)
    """How long the log was after each decision."""
    shares: dict[str, Budget] = field(factory=dict)
    """What a tool may spend on other agents."""
    circles: bool = field(init=False)
    """Whether the model asks for the very same again and again, and has no other fault."""

    def __attrs_post_init__(self) -> None:
        self.circles = self.draw(st.booleans())

    # The steps

    def step(self) -> None:
        """Do one thing to the conversation."""
        name: str = self.draw(st.sampled_from(LONG_STEPS if self.circles else STEPS))
        step: Callable[[], None] = getattr(self, name)
        step()

    def ask(self) -> None:
        """Ask something new, or again."""
        given = self.new_ask()
        known = self.c.knows(given.request)
        before = self.c
        self.tell(given)
        if known:
            check_unchanged(before, self.c, given)

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
                final=not self.circles and self.draw(st.integers(0, 3)) == 0,
            )
        if self.draw(st.integers(0, 7 if self.circles else 3)) == 0:
            billed = self.draw(st.booleans())
            usage = self.pay(want) if billed else self.pay(want, nothing=True)
            kind = self.draw(st.sampled_from(["retry", "retry", "never", "overflow", "fallback"]))
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
            calls=tuple(self.wishes()),
            finish="tool_calls" if self.circles else self.draw(FINISHES),
            usage=usage if self.draw(st.booleans()) else None,
            verbatim=self.draw(st.sampled_from([None, None, Verbatim("theirs", "{}")])),
        )

    def wishes(self) -> list[ToolCall]:
        """Draw what the model asks for: if it goes round in circles, what it asked for last."""
        last = [ToolCall("a", *wish) for wish in self.c.turn.last] if self.circles else []
        calls = st.lists(tool_calls, min_size=1 if self.circles else 0, max_size=3)
        return last or self.draw(calls if self.circles else st.just([]) | calls)

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
            check_in_any_order(one, other)
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
        check_moment(self)

    def commit(self, given: ChatInput) -> None:
        """Decide, and keep it."""
        events = decide(self.rules, self.c, given)
        check_pure(events, decide(self.rules, self.c, given))
        if isinstance(given, Ask):
            self.asked.add(given.request)
        check_decision(self, given, events)
        for event in events:
            check_event(self, given, event)
            match event:
                case Called():
                    self.bound[f"{event.call}.{event.attempt}"] = event.reserved
                case Asked(budget=Budget() as budget):
                    self.budgets[event.request] = budget
                case Compacted():
                    self.told = ()
                case _:
                    pass
            self.c = apply(self.c, event)
            self.log.append(event)
        self.ends.add(len(self.log))

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
        prompt: Prompt = render(self.rules, self.c, want.model, want.purpose)
        check_sent(self, want, prompt)
        if want.purpose == "chat":
            self.told = tuple(prompt.messages)

    def run(self, want: RunTool) -> None:
        """Run a tool, after its intent was kept."""
        self.commit(StartTool(id=want.id))
        self.runs[want.id] += 1
        check_run(self, want)
        own = self.budgets.get(self.c.request or "", Budget())
        limits = ((self.rules.budget, self.c.turn.spent), (own, self.c.turn.spent), (self.rules.total, self.c.spent))
        self.shares[want.id] = share(limits, len(self.c.open))

    def check_any_prefix(self, length: int) -> None:
        """Check that everything comes to rest from any point of the log on, as if the process had died there."""
        world = World(self.rules, draw=self.draw)
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
            elif isinstance(event, Replied) and length not in self.ends:
                world.torn = frozenset(call.id for call in event.calls)
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
        check_rest(self)


def _key(want: Wanted) -> str:
    return want.id if isinstance(want, AskApproval) else want.key
