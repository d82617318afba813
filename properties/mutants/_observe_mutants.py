"""Ways to break what is seen of agents: crash reports, secrets, views, rings, the socket."""

from __future__ import annotations

from properties.mutants._mutant import Mutant

SECRETS = (
    Mutant(
        "secrets_are_in_free_text",
        "The message of an exception shows the secrets that it has.",
        "without",
        "text = text.replace(secret, HIDDEN)",
        "pass",
        part="redact",
    ),
    Mutant(
        "short_secrets_first",
        "Of two secrets, one in the other, the rest of the longer one is shown.",
        "without",
        "sorted(hide, key=len, reverse=True)",
        "sorted(hide, key=len)",
        part="redact",
    ),
    Mutant(
        "secret_fields_are_shown",
        "The repr of a value shows its secret fields.",
        "_fields",
        "name in secret",
        "False",
        part="redact",
    ),
    Mutant(
        "plain_data_has_secrets",
        "A view has the secret fields of a state.",
        "_plain_data",
        "each.name in secret",
        "False",
        part="redact",
    ),
    Mutant(
        "secrets_of_nested_values_are_shown",
        "A secret field of a value within a state isn't known as one.",
        "secret_fields_within",
        "to_see += [inner for declared in _declared(each).values() for inner in _classes_in(declared)]",
        "pass",
        part="redact",
    ),
    Mutant(
        "a_misfit_shows_its_secret",
        "A secret that doesn't fit is in the error.",
        "_concealed",
        "[CONCEALED]",
        "[Problem(str(args[-1]))]",
        part="data",
    ),
    Mutant(
        "a_difference_shows_its_secret",
        "What changed in a state shows the secrets.",
        "_differences",
        "name in secret",
        "False",
        part="core",
    ),
    Mutant(
        "the_log_of_a_declared_failure_shows_secrets",
        "A declared failure is logged as it is.",
        "_",
        "said(error, hide=hide)",
        "said(error)",
        part="runtime",
    ),
    Mutant(
        "the_caller_is_told_secrets",
        "Who called an agent that crashed reads its secrets.",
        "Server._crashed",
        "secrets_of(before, signal)",
        "()",
        part="runtime",
    ),
)

CRASHES = (
    Mutant(
        "the_wrong_directive_is_blamed",
        "A crash report names the directive behind the one that crashed.",
        "Server._carry_out",
        "number - 1",
        "number",
        part="runtime",
    ),
    Mutant(
        "crash_reports_show_secrets",
        "The exception in a crash report is told as it is.",
        "Shell._tell",
        "secrets_in(life.detail)",
        "()",
    ),
)

SEEN = (
    Mutant(
        "what_is_urgent_is_not_seen",
        "A view doesn't name outcomes and timers that wait.",
        "Mailbox.__iter__",
        "self.urgent or ()",
        "()",
        part="runtime",
    ),
    Mutant(
        "the_ring_of_an_agent_has_no_bound",
        "An agent that is watched keeps all its events.",
        "Ring.__attrs_post_init__",
        "deque(maxlen=self.capacity)",
        "deque()",
        part="observe",
    ),
    Mutant(
        "the_oldest_events_first",
        "The last events come in the order in which they happened, the oldest first.",
        "Ring.recent",
        "reversed(self._events)",
        "self._events",
        part="observe",
    ),
    Mutant(
        "who_is_not_watched_pays",
        "An agent that is watched no more stays of the class that notes.",
        "Debug.watch",
        "cell.__class__ = unwatched(cell)",
        "pass",
        part="runtime",
    ),
)

SOCKET = (
    Mutant(
        "all_may_connect",
        "Other users of the machine may look at the agents.",
        "Inspector.listen",
        "stat.S_IRUSR | stat.S_IWUSR",
        "0o777",
        part="runtime",
    ),
    Mutant(
        "the_socket_stays_behind",
        "An instance that has ended leaves its socket.",
        "Inspector.close",
        "Path(self.path).unlink()",
        "None",
        part="runtime",
    ),
    Mutant(
        "the_socket_of_another_is_removed",
        "An instance that ends removes the socket that took the place of its own.",
        "Inspector.close",
        "_file_at(self.path) == self._file",
        "True",
        part="runtime",
    ),
    Mutant(
        "a_file_in_the_way_is_removed",
        "What is no socket is taken for one that was left behind.",
        "_make_way",
        "not stat.S_ISSOCK(mode)",
        "False",
        part="runtime",
    ),
    Mutant(
        "who_asks_nothing_stays",
        "Whoever connects and asks nothing keeps others from being answered.",
        "Inspector._serve",
        "trio.move_on_after(PATIENCE)",
        "trio.CancelScope()",
        part="runtime",
    ),
)

OBSERVE = (*SECRETS, *CRASHES, *SEEN, *SOCKET)
