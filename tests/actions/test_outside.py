"""HTTP, commands, SQL, waiting, logging: what is done, and where each ends."""

import os
import socket
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trio

from jido_trio import InvalidDefinition, Permanent, Transient
from jido_trio.actions.outside import (
    Commands,
    Files,
    Http,
    HttpRequest,
    Log,
    QuerySqlite,
    RandomSleep,
    RunCommand,
    Sleep,
    SqliteFile,
    Today,
)
from jido_trio.core import Action
from jido_trio.errors import ActionError
from jido_trio.runtime import run
from jido_trio.world import seeded, using


async def failed(action: Action, allowed: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        await run(action, resources={type(allowed): allowed})
    return caught.value


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = int(self.path.strip("/").partition("?")[0] or 200)
        body = self.path.encode() * (1000 if status == 201 else 1)
        self.send_response(status)
        self.send_header("Location", "http://example.com/")
        self.send_header("X-Key", self.headers.get("X-Key", ""))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def http(server: str, **bounds: Any) -> Http:
    return Http(server, schemes="http", **bounds)


async def test_a_request_returns_status_headers_and_body(server):
    bounds = http(server, headers={"X-Key": "k"})
    found: Any = await run(HttpRequest(url=f"http://{server}/200", query={"a": "b c"}), resources={Http: bounds})
    assert (found["status"], found["body"], found["headers"]["x-key"]) == (200, "/200?a=b+c", "k")
    found = await run(HttpRequest(url=f"http://{server}/", method="POST", json={"a": [1]}), resources={Http: bounds})
    assert found["json"] == {"a": [1]}


async def test_a_status_of_the_caller_is_returned_and_one_of_the_server_may_pass(server):
    found: Any = await run(HttpRequest(url=f"http://{server}/404"), resources={Http: http(server)})
    assert found["status"] == 404
    for status in (429, 503):
        error = await failed(HttpRequest(url=f"http://{server}/{status}"), http(server))
        assert isinstance(error, Transient)
        assert error.details == {"status": status}


async def test_a_redirect_is_not_followed(server):
    found: Any = await run(HttpRequest(url=f"http://{server}/302"), resources={Http: http(server)})
    assert (found["status"], found["headers"]["location"]) == (302, "http://example.com/")


async def test_too_much_is_not_read(server):
    assert "more than 100 bytes" in str(
        await failed(HttpRequest(url=f"http://{server}/201"), http(server, max_bytes=100))
    )


async def test_who_is_not_there_may_come_back():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{free.getsockname()[1]}"
    assert isinstance(await failed(HttpRequest(url=f"http://{name}/"), http(name)), Transient)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding"])
async def test_a_header_that_would_lead_elsewhere_is_refused(server, name):
    error = await failed(HttpRequest(url=f"http://{server}/", headers={name: "x"}), http(server))
    assert "not for the caller to say" in str(error)


async def test_the_program_s_own_headers_win(server):
    bounds = http(server, headers={"X-Key": "mine"})
    request = HttpRequest(url=f"http://{server}/200", headers={"x-key": "yours"})
    found: Any = await run(request, resources={Http: bounds})
    assert found["headers"]["x-key"] == "mine"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com.evil/",
        "http://evil@example.com/",
        "http://example.com@evil/",
        "http://example.com:81/",
        "https://example.com/",
        "file:///etc/passwd",
        "http://example.com\\@evil/",
        "http://evil#@example.com/",
        "http://[::1",
        "http://127.0.0.1/",
        "http://example.com:99999/",
        "",
        " http://example.com/",
    ],
)
async def test_a_request_to_elsewhere_is_refused(url):
    assert isinstance(await failed(HttpRequest(url=url), http("example.com")), Permanent)


def test_bounds_that_make_no_sense_are_refused(tmp_path):
    for make in (
        lambda: Http("http://example.com"),
        lambda: Http("a", schemes="ftp"),
        lambda: Http("a", max_bytes=0),
        lambda: Commands({"ls": "ls"}, tmp_path),
        lambda: Commands({}, tmp_path / "none"),
        lambda: SqliteFile(tmp_path / "none"),
    ):
        with pytest.raises(InvalidDefinition):
            make()


def commands(folder: Any, **bounds: Any) -> Commands:
    return Commands({"python": os.path.realpath(sys.executable)}, folder, **bounds)


def python(code: str, *arguments: str, input: str = "") -> RunCommand:
    return RunCommand(program="python", arguments=("-I", "-S", "-c", code, *arguments), input=input)


async def test_a_command_returns_its_code_and_what_it_wrote(tmp_path):
    code = "import os,sys; print(sys.argv[1], sys.stdin.read(), dict(os.environ).get('HOME'), os.getcwd()); sys.exit(3)"
    found: Any = await run(python(code, "$HOME; ls", input="in"), resources={Commands: commands(tmp_path)})
    assert found == {"code": 3, "output": f"$HOME; ls in None {tmp_path}\n", "errors": ""}


async def test_a_command_that_takes_too_long_is_killed_with_all_it_has_started(tmp_path, mock_clock):
    code = """if True:
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        with open("pid", "w") as told:
            told.write(str(child.pid))
        time.sleep(60)
    """
    os.mkfifo(tmp_path / "pid")  # who reads it waits until it is written
    errors = []

    async def fail() -> None:
        errors.append(await failed(python(code), commands(tmp_path, seconds=1.0)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fail)
        pid = int(await trio.to_thread.run_sync((tmp_path / "pid").read_text))
        there = os.pidfd_open(pid)  # it lives: the time of the command stands still
        mock_clock.jump(1.0)
    try:
        await trio.lowlevel.wait_readable(there)
    finally:
        os.close(there)
    assert [type(error) for error in errors] == [Transient]


async def test_a_command_that_writes_too_much_is_killed(tmp_path):
    error = await failed(python("while True: print('x' * 1000)"), commands(tmp_path, max_bytes=10_000))
    assert "more than 10000 bytes" in str(error)


async def test_a_program_that_is_not_allowed_is_refused(tmp_path):
    assert "did you mean 'python'" in str(await failed(RunCommand(program="pythn"), commands(tmp_path)))
    assert "NUL" in str(await failed(RunCommand(program="python", arguments=("\0",)), commands(tmp_path)))


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "data.db"
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("create table t (n integer, s text)")
        connection.executemany("insert into t values (?, ?)", [(n, f"row {n}") for n in range(5)])
    connection.close()
    return path


async def asked(path: Any, query: str, *values: Any, **bounds: Any) -> Any:
    return await run(QuerySqlite(query=query, values=values), resources={SqliteFile: SqliteFile(path, **bounds)})


async def test_a_query_returns_columns_and_rows(database):
    found = await asked(database, "select n, s from t where n > ? order by n", 2)
    assert found == {"columns": ["n", "s"], "rows": [[3, "row 3"], [4, "row 4"]], "more": False}


async def test_rows_beyond_the_limit_are_cut_off_and_it_is_told(database):
    found = await asked(database, "select n from t", max_rows=2)
    assert (len(found["rows"]), found["more"]) == (2, True)


@pytest.mark.parametrize(
    "query",
    [
        "delete from t",
        "insert into t values (1, '')",
        "drop table t",
        "create temp table x (n)",
        "attach database 'other.db' as other",
        "pragma journal_mode=delete",
        "pragma user_version",
        "vacuum into 'copy.db'",
        "select load_extension('x')",
        "select fts3_tokenizer('simple')",
        "select FTS3_Tokenizer('simple', 'AAAAAAAA')",
        "begin immediate",
        "select 1; select 2",
        "nonsense",
        "select ? + ?",
        "select zeroblob(100000000)",
        "explain select 1; drop table t",
    ],
)
async def test_a_query_that_does_more_than_read_is_refused(database, tmp_path, monkeypatch, query):
    monkeypatch.chdir(tmp_path)
    before = database.read_bytes()
    with pytest.raises(Permanent, match="the query failed"):
        await asked(database, query)
    assert database.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["data.db"]


async def test_a_query_that_takes_too_long_is_ended(database):
    endless = "with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c"
    with pytest.raises(Transient, match="interrupted"):
        await asked(database, endless, seconds=0.2)


async def test_a_query_that_cannot_be_interrupted_is_left_alone(database):
    one_call = "select instr(printf('%.*c', 400000, 'a'), printf('%.*c', 40000, 'a') || 'b')"
    with pytest.raises(Transient, match="interrupted after 0"):
        await asked(database, one_call, seconds=0.05)


async def test_waiting_is_waiting(autojump_clock):
    begin = trio.current_time()
    await run(Sleep(seconds=3))
    with using(seeded(1)):
        found: Any = await run(RandomSleep(least=2, most=4))
    assert trio.current_time() - begin == pytest.approx(3 + found["seconds"])
    assert 2 <= found["seconds"] <= 4
    with pytest.raises(ActionError, match="most=1 is less than least=2"):
        await run(RandomSleep(least=2, most=1))


async def test_a_log_is_one_line(caplog):
    await run(Log(message="a\nb", level="warning"))
    [record] = caplog.records
    assert (record.name, record.levelname, record.getMessage()) == ("jido_trio.actions", "WARNING", "a\\nb")


@pytest.mark.parametrize(
    ("form", "text"), [("iso8601", "2000-01-01"), ("basic", "20000101"), ("human", "January 01, 2000")]
)
async def test_the_date_is_that_of_the_world(form, text):
    with using(seeded(1)):
        assert await run(Today(form=form)) == {"date": text}


SURROGATE = "\ud800"
"""What JSON can say, and UTF-8 can't write."""


@pytest.mark.parametrize("given", [{"arguments": (SURROGATE,)}, {"input": SURROGATE}], ids="ab")
async def test_text_that_cannot_be_written_is_a_failure_of_a_command_and_no_bug(given: Any, tmp_path):
    assert "UTF-8" in str(await failed(RunCommand(program="echo", **given), Commands({"echo": "/bin/echo"}, tmp_path)))


async def test_a_header_that_is_none_is_no_failure_that_may_pass(server):
    request = HttpRequest(url=f"http://{server}/", headers={"a b": "c"})
    assert isinstance(await failed(request, http(server)), Permanent)


async def test_a_server_that_sends_a_byte_now_and_then_has_no_longer_than_all_of_it():
    async def drip(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                await stream.send_all(b"x")
                await trio.sleep(0.02)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, drip, [listener])
        host = f"127.0.0.1:{listener.socket.getsockname()[1]}"
        error = await failed(HttpRequest(url=f"http://{host}/"), Http(host, schemes="http", total=0.2))
        nursery.cancel_scope.cancel()
    assert isinstance(error, Transient)
    assert "took longer than 0.2 s" in str(error)


async def test_rows_are_cut_off_where_they_are_too_much_all_in_all(tmp_path):
    path = tmp_path / "wide.db"
    connection = sqlite3.connect(path)
    connection.execute("create table t (x)")
    connection.executemany("insert into t values (?)", [("x" * 100,)] * 50)
    connection.commit()
    connection.close()
    found: Any = await run(
        QuerySqlite(query="select x from t"), resources={SqliteFile: SqliteFile(path, max_bytes=100)}
    )
    assert (len(found["rows"]), found["more"]) == (10, True)


ANY: Any = {kind: kind for kind in (Commands, Files, Http, SqliteFile)}
"""The classes as those see them who don't look at types."""


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: ANY[Commands](None, folder),
        lambda folder: ANY[Commands]({}, None),
        lambda folder: ANY[Commands]({}, "a\0"),
        lambda folder: ANY[Commands]({3: "/bin/echo"}, folder),
        lambda folder: ANY[Commands]({"folder": str(folder)}, folder),
        lambda folder: ANY[Commands]({}, folder, environment={"A": 3}),
        lambda folder: ANY[Commands]({}, folder, environment=None),
        lambda folder: ANY[Http](None),
        lambda folder: ANY[Http](""),
        lambda folder: ANY[Http](["a", 3]),
        lambda folder: ANY[Http]("a", headers={"x": 3}),
        lambda folder: ANY[Http]("a", total=0),
        lambda folder: ANY[Files](None),
        lambda folder: ANY[Files](folder, read_only="no"),
        lambda folder: ANY[SqliteFile](None),
    ],
    ids=range(15),
)
def test_bounds_that_are_none_are_refused_when_they_are_given(make, tmp_path):
    with pytest.raises(InvalidDefinition):
        make(tmp_path)
