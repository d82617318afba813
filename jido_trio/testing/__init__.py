"""Tools to test agents with, the same that jido_trio is tested with. Needs the extra `testing`."""

from jido_trio.extras import require

try:
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
except ModuleNotFoundError:
    require("testing", "hypothesis")
    raise

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
