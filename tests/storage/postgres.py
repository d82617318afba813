"""A PostgreSQL server of our own for tests: made in a folder, reached by a socket there, and stopped at the end."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []


def program(name: str) -> str | None:
    """Where a program of PostgreSQL is."""
    return next((str(folder / name) for folder in reversed(PROGRAMS)), None) or shutil.which(name)


class Server:
    """A server that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conninfo = f"host={folder} dbname=postgres user=postgres"
        self.user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
        folder.mkdir()
        if self.user:
            shutil.chown(folder, self.user)
            for above in folder.parents:
                if above.owner() == pwd.getpwuid(os.getuid()).pw_name and above != Path("/"):
                    above.chmod(above.stat().st_mode | 0o011)
        self._run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    def _run(self, name: str, *args: str) -> None:
        path = program(name)
        assert path is not None
        done = subprocess.run(
            [path, *args], user=self.user, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def kill(self) -> None:
        """Kill it with -9, and all of its processes."""
        top = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(top, signal.SIGSTOP)  # it starts no more of them meanwhile
        pids = [top, *_children(top)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(map(_runs, pids)):
            time.sleep(0.001)
        self._forget()

    def _forget(self) -> None:
        """Remove what says that it runs: a killed one may wait for its parent as a zombie, and be taken for alive."""
        for each in (self.folder / "data" / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            each.unlink(missing_ok=True)

    def restart(self) -> None:
        """Start it after a kill, as soon as the last of its processes has noticed."""
        for _ in range(50):
            try:
                self.start()
            except AssertionError:
                time.sleep(0.1)
                self._forget()
            else:
                return
        self.start()

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", log, "-o", options, "-w", "start")

    def stop(self, how: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", how, "-w", "stop")


def _children(parent: int) -> list[int]:
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if _stat(pid)[1:2] == [str(parent)]]


def _runs(pid: int) -> bool:
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def _stat(pid: int) -> list[str]:
    """What /proc says of a process, from its state on; nothing when it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server that runs inside of the block."""
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")
