"""Discovery: classes of packages, and of distributions that are installed, as pip would leave them."""

import json
import sys

import pytest

from jido_trio import Agent, Signal
from jido_trio.cli import main
from jido_trio.core import Unrouted
from jido_trio.discovery import discover
from jido_trio.errors import InvalidDefinition

PACKAGE = '''
from attrs import field, frozen
from jido_trio import Action, Agent, Context, Result
from jido_trio.core import Input, Plugin, Sensor


@frozen
class Posted:
    texts: list[str] = field(factory=list)


class Post(Action, category="chat", tags=["slack", "out"]):
    """Post a text."""

    text: str

    def run(self, context: Context) -> Result:
        return AcmeSlack.change({"texts": [*context.agent.plugin(AcmeSlack).texts, self.text]})


class AcmeSlack(Plugin[Posted], vsn="3"):
    """Posts to Slack."""

    token: str = ""

    def routes(self):
        return {"post": Post}


class Base(Action):
    """For others to extend."""


class Asked(Input): ...


class _Hidden(Agent): ...
'''
POINTS = """[jido_trio.plugins]
slack = acme_slack:AcmeSlack
[jido_trio.actions]
all = acme_slack
gone = acme_slack:Gone
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Have a distribution of somebody else, as it is after `pip install`."""
    (tmp_path / "acme_slack").mkdir()
    (tmp_path / "acme_slack" / "__init__.py").write_text(PACKAGE)
    (tmp_path / "acme_slack" / "broken.py").write_text("1 / 0")
    info = tmp_path / "acme_slack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-slack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.startswith("acme_slack")]:
        del sys.modules[name]


@pytest.mark.usefixtures("installed")
def test_a_plugin_of_another_distribution_is_found_and_works():
    [found] = discover().list("plugin", name="acme")

    class Shop(Agent, plugins=[found.cls(token="t")]): ...

    answer = Shop.new("s").receive(Signal("acme_slack.post", {"text": "hi"}))
    assert not isinstance(answer, Unrouted)
    assert answer[0].plugin(found.cls).texts == ["hi"]
    assert (found.path, found.vsn, found.description) == ("acme_slack:AcmeSlack", "3", "Posts to Slack.")


@pytest.mark.usefixtures("installed")
def test_what_can_not_be_imported_is_told_of_and_hides_nothing():
    discovery = discover("acme_slack", "no_such_package")

    assert [each.name for each in discovery.list("action", tag="slack")] == ["post"]
    assert [each.name for each in discovery.unloaded] == [
        "acme_slack.broken",
        "no_such_package",
        "jido_trio.actions gone = acme_slack:Gone",
    ]
    assert "division by zero" in discovery.unloaded[0].why


@pytest.mark.usefixtures("installed")
def test_classes_for_others_to_extend_inputs_and_hidden_ones_are_left_out():
    assert {each.name for each in discover("acme_slack", installed=False).found} == {"post", "acme_slack"}


def test_all_that_is_given_must_hold():
    here = discover("jido_trio.sensors", "jido_trio.plugins", "jido_trio.actions", installed=False)

    assert [each.name for each in here.list("sensor", name="lines")] == ["process_lines", "socket_lines", "tail_lines"]
    assert [each.name for each in here.list("sensor", name="lines", description="Unix")] == ["socket_lines"]
    assert [each.name for each in here.list("sensor", offset=2, limit=2)] == ["poll_http", "process_lines"]
    assert here.list("plugin", category="none") == ()
    with pytest.raises(InvalidDefinition, match="kind='sensr' is not one of"):
        here.list("sensr")  # type: ignore[arg-type]


def test_a_slug_is_the_same_each_time():
    first, again = (discover("jido_trio.sensors", installed=False) for _ in range(2))

    assert [each.slug for each in first.found] == [each.slug for each in again.found]
    assert first.by_slug(first.found[0].slug) == first.found[0]
    assert first.by_slug("nothing") is None


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["jido_trio.world"], "no action, agent, plugin or sensor is in jido_trio.world: name a module or a package"),
        (["jido_trio.sensors", "--kind", "plugin"], "nothing there is of that kind, name, category and tag"),
    ],
)
def test_the_command_says_so_where_it_finds_nothing(args, told, capsys):
    assert main(["list", *args]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


@pytest.mark.usefixtures("installed")
def test_the_command_lists_them_and_tells_what_is_broken(capsys):
    assert main(["list", "jido_trio.sensors", "--kind", "sensor"]) == 1
    told = capsys.readouterr()
    assert "tail_lines" in told.out
    assert "gone" in told.err

    assert main(["list", "--json"]) == 1
    told_as_json = json.loads(capsys.readouterr().out)
    assert {"post", "acme_slack"} <= {each["name"] for each in told_as_json["found"]}
