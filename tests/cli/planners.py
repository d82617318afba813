"""Agents to speak with at a terminal."""

from attrs import frozen

from jido_trio import Action, Context, Result
from jido_trio.ai import ChatAgent, Model, Models, Tool
from jido_trio.redact import Secret
from jido_trio.testing import ScriptedModel


@frozen
class Trip:
    hotel: str = ""


class Book(Action):
    hotel: str

    def run(self, context: Context[Trip]) -> Result:
        return {"hotel": self.hotel}


def models(*script):
    return Models(m=Model("m", ScriptedModel(script)))


CALL = [("book", {"hotel": "Grand"})]
CODED = [("book", {"hotel": "Grand", "code": "s3cret"})]
LONG = [("book", {"hotel": "G" * 300, "code": "s3cret"})]


class Planner(ChatAgent[Trip], models=models("Snow\x1b[2J in Oslo"), model="m"): ...


class Booker(ChatAgent[Trip], models=models(CALL, "It is booked."), model="m", tools=[Tool(Book, approve=True)]): ...


class Kept(ChatAgent[Trip], models=models("one", "two"), model="m", tools=[Tool(Book, approve=True)], durable=True): ...


class BookByCode(Book, name="book"):
    code: Secret[str]

    def run(self, context: Context[Trip]) -> Result:
        return {"hotel": self.hotel}


class Coded(ChatAgent[Trip], models=models(), model="m", tools=[Tool(BookByCode, approve=True)], durable=True): ...


def kept(*script):
    """Give `Coded` a script; return its name."""
    Coded.models = models(*script)
    return "Coded"


class French(ChatAgent[Trip], models=models("10\u202f000\u00a0€, \u06cc\u200c\u062e"), model="m"): ...


class Silent(ChatAgent[Trip], models=models(), model="m"): ...


class Mute(ChatAgent[Trip]): ...
