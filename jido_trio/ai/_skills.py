"""Skills: instructions in folders. The model is told their names, and loads one when it needs it."""

import json
import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import new_class
from typing import Any, ClassVar

from attrs import field, frozen

from jido_trio.ai._tools import Tool
from jido_trio.core import Action, Context
from jido_trio.errors import ActionError, InvalidDefinition
from jido_trio.redact import said, shown

FILE = "SKILL.md"


@frozen
class Skill:
    """One: what it is called, what it is for, and what it says."""

    name: str
    description: str
    body: str = field(repr=False)


@frozen
class Skills:
    """The skills in a folder, as they were when they were read: `skills_in` reads them."""

    skills: Mapping[str, Skill]

    @property
    def instructions(self) -> str:
        """What a model is told of them."""
        known = "\n".join(f"- {skill.name}: {skill.description}" for skill in self.skills.values())
        return f"You have these skills. Load one with `load_skill` before you do what it is about:\n{known}"

    @property
    def tool(self) -> Tool:
        """The tool that loads one."""
        made: Any = new_class(
            "LoadSkill", (_Load,), {"name": "load_skill"}, lambda space: space.update(skills=self.skills)
        )
        return Tool(made, replay="safe")


class _Load(Action, description="Load a skill: instructions for a kind of task"):
    skills: ClassVar[Mapping[str, Skill]]
    skill: str

    async def run(self, context: Context[Any]) -> Any:
        """Return its text."""
        found = self.skills.get(self.skill)
        if found is None:
            raise ActionError(f"there is no skill {shown(self.skill, 100)}; there are: {', '.join(self.skills)}")
        return found.body


def skills_in(folder: str | PathLike[str]) -> Skills:
    """Read the skills in a folder: in each folder in it a `SKILL.md`, which begins with its name and description.

    The file begins with a line `---`, then `name: ...` and `description: ...`, then another `---`. Values may be in
    quotes, or go on in lines that are indented. What a model reads it may act upon, so the folder must be yours.

    Raises:
        InvalidDefinition: There are none, or one has no name or description.
    """
    if not isinstance(folder, str | PathLike):
        raise InvalidDefinition(f"skills are read from a folder: give its path, not {shown(folder)}")
    found = [_read(path) for path in sorted(Path(folder).glob(f"*/{FILE}"))]
    if not found:
        raise InvalidDefinition(f"there are no skills in {shown(str(folder))}: give a folder with */{FILE} in it")
    named = {skill.name: skill for skill in found}
    if len(named) < len(found):
        raise InvalidDefinition(f"two skills in {shown(str(folder))} have one name; there are: {', '.join(named)}")
    return Skills(named)


def _read(path: Path) -> Skill:
    try:
        begin, *lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDefinition(f"skill {shown(str(path))} can't be read: {said(error)}") from None
    end = next((at for at, line in enumerate(lines) if line.rstrip() == "---"), None)
    fields = _fields(lines[:end])
    name, description = (fields.get(key, "") for key in ("name", "description"))
    if begin.rstrip() != "---" or end is None or not name or not description:
        raise InvalidDefinition(
            f"{shown(str(path))} must begin with a line ---, a name: and a description:, and another line ---"
        )
    return Skill(name, description, "\n".join(lines[end + 1 :]).strip())


def _fields(head: Sequence[str]) -> Mapping[str, str]:
    """Return what a head says, each in one line: as much of YAML as such heads have."""
    fields: dict[str, str] = {}
    last = ""
    for line in head:
        key, colon, value = line.partition(":")
        if line[:1].isspace() or not colon:
            fields[last] = f"{fields.get(last, '')} {line.strip()}".strip()
        else:
            last = key.strip()
            fields[last] = "" if _BLOCK.fullmatch(value) else value.strip()
    return {key: _unquoted(value) for key, value in fields.items()}


_BLOCK = re.compile(r"\s*[|>][-+0-9]*\s*")
"""What stands in the place of a value that is told by the lines below."""


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            read = str(
                json.loads(value, strict=False)
            )  # what is in double quotes is JSON, but for letters that it escapes
        except ValueError:
            read = re.sub(r"\\(.)", r"\1", value[1:-1])
        return " ".join(read.split())
    return value
