"""A catalogue of tools: searched, cut down to an allow list, brought into the strict form."""

import pytest

from jido_trio import Action, Context, InvalidDefinition, Result
from jido_trio.core import Catalogue, tool_of


class Tool(Action):
    def run(self, context: Context) -> Result: ...


class ReadFile(Tool, category="files", tags=["read", "text"]):
    """Read a file, line by line."""

    path: str


class WriteFile(Tool, category="files", tags=["write", "text"]):
    """Write text into a file."""

    path: str
    content: str = ""


class SendMail(Tool, category="post", tags=["write"]):
    """Send a letter; it may have a file with it."""


CATALOGUE = Catalogue([WriteFile, SendMail, ReadFile])


def names(tools):
    return [tool.name for tool in tools]


def test_tools_are_in_the_order_of_their_names():
    assert names(CATALOGUE) == ["read_file", "send_mail", "write_file"]
    assert len(CATALOGUE) == 3
    assert "send_mail" in CATALOGUE
    assert Catalogue([ReadFile, WriteFile, tool_of(SendMail)]) == CATALOGUE
    assert hash(CATALOGUE) == hash(Catalogue([ReadFile, WriteFile, SendMail]))
    assert Catalogue() != CATALOGUE
    assert CATALOGUE != ["read_file"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["read_file", "send_mail", "write_file"]),
        ({"text": "file"}, ["read_file", "write_file", "send_mail"]),
        ({"text": "MAIL"}, ["send_mail"]),
        ({"text": "content"}, ["write_file"]),
        ({"text": "nothing of it"}, ["send_mail"]),
        ({"text": "zebra"}, []),
        ({"text": "?"}, []),
        ({"name": "read_file"}, ["read_file"]),
        ({"name": "w*"}, ["write_file"]),
        ({"category": "files"}, ["read_file", "write_file"]),
        ({"tags": ["write", "text"]}, ["write_file"]),
        ({"tags": "write"}, ["send_mail", "write_file"]),
        ({"text": "file", "category": "files", "limit": 1}, ["read_file"]),
    ],
    ids=range(13),
)
def test_a_search_finds_what_all_of_it_is_true_of(query, found):
    assert names(CATALOGUE.search(**query)) == found


def test_a_limit_that_is_none_is_refused():
    with pytest.raises(InvalidDefinition, match="limit=0 of the search"):
        CATALOGUE.search(limit=0)


def test_an_allow_list_leaves_the_rest_out():
    assert names(CATALOGUE.only("send_mail", "read_file")) == ["read_file", "send_mail"]
    assert names(CATALOGUE.without("send_mail")) == ["read_file", "write_file"]
    assert names(CATALOGUE.only()) == []


@pytest.mark.parametrize("ask", [CATALOGUE.only, CATALOGUE.without, CATALOGUE.__getitem__])
def test_a_name_that_is_not_there_is_told_with_the_nearest(ask):
    with pytest.raises(InvalidDefinition, match=r"no tool 'sendmail'.*did you mean 'send_mail'"):
        ask("sendmail")


def test_more_tools_make_another_catalogue():
    class Other(Tool): ...

    assert names(CATALOGUE.with_tools(Other)) == ["other", "read_file", "send_mail", "write_file"]
    assert "other" not in CATALOGUE
    assert CATALOGUE["read_file"].action is ReadFile


def test_two_tools_of_one_name_are_refused():
    class Mail(Tool, name="send_mail"): ...

    with pytest.raises(InvalidDefinition, match="two tools are called 'send_mail'"):
        CATALOGUE.with_tools(Mail)
    assert names(CATALOGUE.with_tools(tool_of(Mail, name="mail"))) == ["mail", "read_file", "send_mail", "write_file"]


def test_all_of_it_can_be_strict():
    strict = CATALOGUE.strict()
    assert all(tool.strict for tool in strict)
    assert strict["write_file"].as_function()["parameters"]["required"] == ["path", "content"]
    assert strict.strict() == strict
