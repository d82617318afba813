"""Ready-made sensors: intervals, lines of files, of child processes, of a Unix socket. Imports `core`, leaves."""

from jido_trio.sensors._heartbeat import Heartbeat
from jido_trio.sensors._lines import ProcessLines, SocketLines, TailLines

__all__ = ["Heartbeat", "ProcessLines", "SocketLines", "TailLines"]
