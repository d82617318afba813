"""Tools to test agents with, the same that jido_trio is tested with. Needs the extra `testing`.

A name is imported when it is first used: the processes in which agents are tried need only a few of them.
"""

import importlib
import sys
import typing

from jido_trio.extras import require

require("testing", "hypothesis")

if typing.TYPE_CHECKING:
    from jido_trio.testing._carrier import agent_of, agent_with
    from jido_trio.testing._cassette import Cassette
    from jido_trio.testing._chat_check import check_conversation
    from jido_trio.testing._chat_strategies import budgets, chat_rules, tool_calls
    from jido_trio.testing._checks import check_action, check_plugin, check_strategy
    from jido_trio.testing._choices import Choice
    from jido_trio.testing._conformance import (
        NAMES,
        PLUGIN_NAMES,
        check_agent,
        conformance,
    )
    from jido_trio.testing._explore import Exploration, LedgerUnbalanced, explore
    from jido_trio.testing._fake_anthropic import messages_reply, open_fake_anthropic
    from jido_trio.testing._fake_ollama import ollama_reply, open_fake_ollama
    from jido_trio.testing._fake_openai import chat_reply, open_fake_openai, responses_reply
    from jido_trio.testing._fake_provider import FakeProvider, HttpReply
    from jido_trio.testing._fault_kinds import (
        CutShort,
        DropWrite,
        Hang,
        JumpClock,
        LoseReply,
        PlannedCrash,
        PlannedFault,
        Raise,
        ReplyLost,
        Slow,
        TearWrite,
    )
    from jido_trio.testing._faults import Faults, FaultyStorage, crash_point, fault_point
    from jido_trio.testing._interpreters import check_interpreter
    from jido_trio.testing._machine import StepNeverEnds, TrioStateMachine, step
    from jido_trio.testing._own_laws import AgentModel, LawFunction, OwnLaw, law, model
    from jido_trio.testing._runtime_machine import AgentMachine, RuntimeMachine
    from jido_trio.testing._scripted_model import ScriptedModel
    from jido_trio.testing._simulation import (
        NeverEnds,
        NothingCanHappen,
        Simulation,
        simulate,
    )
    from jido_trio.testing._storage_laws import check_storage
    from jido_trio.testing._storage_machine import StorageMachine
    from jido_trio.testing._strategies import (
        Overrides,
        actions,
        agent_after,
        agents,
        changes,
        command_sequences,
        commands,
        fitting,
        plain_data,
        signals,
        states,
    )
    from jido_trio.testing._subject import AgentUnderTest, subject_of, subjects
    from jido_trio.testing._supervisor_machine import SupervisorMachine
    from jido_trio.testing._trees import CrashScript, Tree, crash_scripts, trees
    from jido_trio.testing._verdicts import Conformance, LawVerdict, told_verdict

__all__ = [
    "NAMES",
    "PLUGIN_NAMES",
    "AgentMachine",
    "AgentModel",
    "AgentUnderTest",
    "Cassette",
    "Choice",
    "Conformance",
    "CrashScript",
    "CutShort",
    "DropWrite",
    "Exploration",
    "FakeProvider",
    "Faults",
    "FaultyStorage",
    "Hang",
    "HttpReply",
    "JumpClock",
    "LawFunction",
    "LawVerdict",
    "LedgerUnbalanced",
    "LoseReply",
    "NeverEnds",
    "NothingCanHappen",
    "Overrides",
    "OwnLaw",
    "PlannedCrash",
    "PlannedFault",
    "Raise",
    "ReplyLost",
    "RuntimeMachine",
    "ScriptedModel",
    "Simulation",
    "Slow",
    "StepNeverEnds",
    "StorageMachine",
    "SupervisorMachine",
    "TearWrite",
    "Tree",
    "TrioStateMachine",
    "actions",
    "agent_after",
    "agent_of",
    "agent_with",
    "agents",
    "budgets",
    "changes",
    "chat_reply",
    "chat_rules",
    "check_action",
    "check_agent",
    "check_conversation",
    "check_interpreter",
    "check_plugin",
    "check_storage",
    "check_strategy",
    "command_sequences",
    "commands",
    "conformance",
    "crash_point",
    "crash_scripts",
    "explore",
    "fault_point",
    "fitting",
    "law",
    "messages_reply",
    "model",
    "ollama_reply",
    "open_fake_anthropic",
    "open_fake_ollama",
    "open_fake_openai",
    "plain_data",
    "responses_reply",
    "signals",
    "simulate",
    "states",
    "step",
    "subject_of",
    "subjects",
    "told_verdict",
    "tool_calls",
    "trees",
]

_NAMES = {
    "_carrier": "agent_of agent_with",
    "_cassette": "Cassette",
    "_chat_check": "check_conversation",
    "_chat_strategies": "budgets chat_rules tool_calls",
    "_checks": "check_action check_plugin check_strategy",
    "_choices": "Choice",
    "_conformance": "NAMES PLUGIN_NAMES check_agent conformance",
    "_explore": "Exploration LedgerUnbalanced explore",
    "_fake_anthropic": "messages_reply open_fake_anthropic",
    "_fake_ollama": "ollama_reply open_fake_ollama",
    "_fake_openai": "chat_reply open_fake_openai responses_reply",
    "_fake_provider": "FakeProvider HttpReply",
    "_fault_kinds": (
        "CutShort DropWrite Hang JumpClock LoseReply PlannedCrash PlannedFault Raise ReplyLost Slow TearWrite"
    ),
    "_faults": "Faults FaultyStorage crash_point fault_point",
    "_interpreters": "check_interpreter",
    "_machine": "StepNeverEnds TrioStateMachine step",
    "_own_laws": "AgentModel LawFunction OwnLaw law model",
    "_runtime_machine": "AgentMachine RuntimeMachine",
    "_scripted_model": "ScriptedModel",
    "_simulation": "NeverEnds NothingCanHappen Simulation simulate",
    "_storage_laws": "check_storage",
    "_storage_machine": "StorageMachine",
    "_strategies": (
        "Overrides actions agent_after agents changes command_sequences commands fitting plain_data signals states"
    ),
    "_subject": "AgentUnderTest subject_of subjects",
    "_supervisor_machine": "SupervisorMachine",
    "_trees": "CrashScript Tree crash_scripts trees",
    "_verdicts": "Conformance LawVerdict told_verdict",
}
"""The same names by the module that each comes from, for programs that run: the imports above are for type checkers."""

_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}


if not typing.TYPE_CHECKING:  # which would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])
        value: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
