"""Ready-made sensors: intervals, lines of files, of child processes, of a Unix socket, HTTP. Imports `core`, leaves."""

from jido_trio.sensors._heartbeat import Heartbeat
from jido_trio.sensors._http import PollHttp
from jido_trio.sensors._lines import ProcessLines, SocketLines, TailLines

__all__ = ["Heartbeat", "PollHttp", "ProcessLines", "SocketLines", "TailLines"]
