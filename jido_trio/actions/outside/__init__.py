"""Actions on the world outside: files, HTTP, commands, SQL, the clock. Each does what the program has allowed, no more.

What is allowed is a resource that the program gives, never a parameter: `resources={Files: Files("/srv/data")}`. So
whoever chooses the parameters, be it a model, can't widen it. An action whose resource isn't there says so.
"""

from jido_trio.actions.outside._basic import Log, RandomSleep, Sleep, Today
from jido_trio.actions.outside._command import Commands, RunCommand
from jido_trio.actions.outside._files import (
    CopyFile,
    DeleteFile,
    Files,
    ListFolder,
    MakeFolder,
    MoveFile,
    ReadFile,
    WriteFile,
)
from jido_trio.actions.outside._http import Http, HttpRequest
from jido_trio.actions.outside._sql import QuerySqlite, SqliteFile

__all__ = [
    "Commands",
    "CopyFile",
    "DeleteFile",
    "Files",
    "Http",
    "HttpRequest",
    "ListFolder",
    "Log",
    "MakeFolder",
    "MoveFile",
    "QuerySqlite",
    "RandomSleep",
    "ReadFile",
    "RunCommand",
    "Sleep",
    "SqliteFile",
    "Today",
    "WriteFile",
]
