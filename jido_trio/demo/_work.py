"""The work list of the cluster: what is still to be read, who is at what, and what follows from a crash. Pure."""

from collections.abc import Mapping

from attrs import evolve, field, frozen

from jido_trio.core import Directive
from jido_trio.demo._facts import Facts

PATIENCE = 100
"""So often may the workers at one document be killed before it is refused: an end, however fast the kills come."""


@frozen
class Job:
    """A document to be read, and what happened to those who tried."""

    path: str
    careful: bool = False
    """Whether it crashed a worker; the next one doesn't trust it."""
    kills: int = 0


@frozen
class Desk:
    """The state of a worker: the document it is at, if any, and whether that is to be taken with care."""

    path: str = ""
    careful: bool = False


@frozen
class Settled(Directive):
    """A document is done or refused. What that means is for whoever runs the cluster to say."""

    path: str
    worker: str
    facts: Facts | None = None
    """None when it is refused."""
    largest: tuple[str, ...] = ()
    """The largest amount of money it names, of each currency."""
    careful: bool = False
    """Whether a worker crashed before, so that it took a more careful one."""
    refused: str = ""
    """Why it is refused."""


@frozen
class Work:
    """The state of the coordinator. A document is given, then settled; nothing else takes it off the list."""

    documents: tuple[str, ...] = ()
    given: int = 0
    """So many of them were given out."""
    again: tuple[Job, ...] = ()
    """To be given out once more, before the others."""
    at: Mapping[str, Job | None] = field(factory=dict)
    """Which worker is at which document."""
    starts: int = 0
    """So often a process has begun with it, or gone on."""

    @property
    def finished(self) -> bool:
        """Whether every document is settled."""
        return self.given == len(self.documents) and not self.again and not any(self.at.values())

    def give(self, worker: str) -> "Work":
        """Put `worker` at the next document; at none if there is none."""
        if self.again:
            return evolve(self, again=self.again[1:], at={**self.at, worker: self.again[0]})
        if self.given < len(self.documents):
            job = Job(self.documents[self.given])
            return evolve(self, given=self.given + 1, at={**self.at, worker: job})
        return evolve(self, at={**self.at, worker: None})

    def started(self) -> "Work":
        """Take note that a process begins with it, or goes on: whoever was at a document died with the one before."""
        again = tuple(job for job in self.at.values() if job is not None)
        return evolve(self, again=(*again, *self.again), at=dict.fromkeys(self.at), starts=self.starts + 1)

    def crashed(self, worker: str, error: str, *, killed: bool) -> tuple["Work", tuple[Settled, ...]]:
        """Take the document from a worker that crashed with it: to be tried again, unless there is no use in it.

        After a kill, which is no fault of the document, as before; after a crash carefully; after two it is refused.
        """
        job = self.at.get(worker)
        idle = evolve(self, at={**self.at, worker: None})
        if job is None:
            return idle, ()
        if job.careful and not killed:
            return idle, (Settled(job.path, worker, careful=True, refused=f"crashed two workers: {error}"),)
        retry = evolve(job, kills=job.kills + 1) if killed else evolve(job, careful=True)
        if retry.kills >= PATIENCE:
            return idle, (Settled(job.path, worker, refused=f"{PATIENCE} workers were killed while at it"),)
        return evolve(idle, again=(retry, *self.again)), ()
