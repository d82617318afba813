"""Block: what `async with open_supervisor()` and its kin enter and leave."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, TypeVar

import trio
from attrs import define

from jido_trio.supervision._supervisor import Supervisor, raise_plainly

T = TypeVar("T")


@define(eq=False)
class Block(AbstractAsyncContextManager[T], Generic[T]):
    """The block around a supervisor, which gives its user `face`. The supervisor lives as long as the block.

    It swallows nothing but the cancellation by which it is ended when the supervisor ends by itself.
    """

    supervisor: Supervisor
    face: T
    closing: Callable[[], None] = lambda: None
    """Called when the block is left, before the children are asked to stop."""
    kill_if_cancelled: bool = False
    """Whether, when the block is cancelled, nothing is asked and everything is killed."""
    _scope: trio.CancelScope | None = None

    def stop(self) -> None:
        """Begin to stop."""
        self.closing()
        self.supervisor.stop()

    @trio.lowlevel.enable_ki_protection
    async def __aenter__(self) -> T:
        self._scope = await self.supervisor._enter()  # noqa: SLF001  # the two halves of one thing
        self._scope.__enter__()
        return self.face

    @trio.lowlevel.enable_ki_protection
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        left = self._left(kind, error, traceback)
        self.closing()
        if self.kill_if_cancelled and isinstance(left, trio.Cancelled):
            self.supervisor._kill()  # noqa: SLF001
        raised = await self.supervisor._leave(left)  # noqa: ASYNC102, SLF001  # it shields itself
        try:
            if raised is not None and raised is not error:
                raise_plainly(raised)
            return raised is None
        finally:
            del left, raised  # a frame that its own exception holds would be kept alive

    def _left(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> BaseException | None:
        """Return what left the block, without the cancellation that was ours."""
        assert self._scope is not None  # noqa: S101  # it was entered
        try:
            return None if self._scope.__exit__(kind, error, traceback) else error
        except BaseException as rest:  # noqa: ASYNC103, BLE001  # it is raised again
            return rest  # noqa: ASYNC104  # to `__aexit__`, which raises it
