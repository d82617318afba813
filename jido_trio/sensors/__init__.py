"""Ready-made sensors: times, files, and lines of files, processes and sockets, HTTP. Imports `core`, leaves."""

from jido_trio.sensors._cron import CronTicks
from jido_trio.sensors._heartbeat import Heartbeat
from jido_trio.sensors._http import PollHttp
from jido_trio.sensors._lines import ProcessLines, SocketLines, TailLines
from jido_trio.sensors._watch import WatchFiles

__all__ = ["CronTicks", "Heartbeat", "PollHttp", "ProcessLines", "SocketLines", "TailLines", "WatchFiles"]
