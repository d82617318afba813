"""The real supervisor, driven by the machine that users drive theirs with: calls, crashes and time, in any order."""

from hypothesis import settings

from jido_trio.testing import SupervisorMachine

TestSupervisor = SupervisorMachine.TestCase
TestSupervisor.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
