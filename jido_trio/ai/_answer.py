"""Structured answers: an attrs class that the model's text must fit."""

import json
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from jido_trio.data import Form, Unread, form_of
from jido_trio.redact import said


class UnfitAnswer(ValueError):
    """The model's answer doesn't fit the class that was asked for; `problems` are for the model."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def answer_schema(cls: type[Any]) -> Mapping[str, Any]:
    """Return the JSON Schema of answers.

    Raises:
        InvalidDefinition: The class has no JSON form.
    """
    return _form(cls).schema


def _form(cls: type[Any]) -> Form:
    form = _FORMS.get(cls)
    if form is None:
        form = _FORMS[cls] = form_of(cls)
    return form


_FORMS: WeakKeyDictionary[type[Any], Form] = WeakKeyDictionary()


def answer_of(text: str, cls: type[Any]) -> Any:
    """Return the value that a text says, as JSON, within a fence or not.

    Raises:
        UnfitAnswer: It is no JSON, or doesn't fit.
    """
    try:
        data = json.loads(_unfenced(text))
    except (ValueError, RecursionError) as error:
        raise UnfitAnswer((f"it is no JSON: {said(error, 200)}",)) from None
    try:
        return _form(cls).read(data)
    except Unread as unread:
        raise UnfitAnswer(tuple(said(problem, 300) for problem in unread.problems[:_MANY])) from None


_MANY = 20
"""So many problems are told."""


def _unfenced(text: str) -> str:
    text = text.strip()
    if text.startswith("```") and text.endswith("```") and len(text) > 6:
        first, _, rest = text[3:-3].partition("\n")
        return rest if first.strip().isalnum() else text[3:-3]
    return text
