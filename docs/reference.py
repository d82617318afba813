"""`python -m docs.reference`: write docs/reference/ from the docstrings of what is public.

A page for each part, and on it everything that the part's `__all__` names: signature, docstring, fields, methods. It is
read from the source by griffe, which finds the docstrings of fields, too.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
PARTS = (
    "jido_trio",
    "core",
    "ai",
    "ai.openai",
    "ai.anthropic",
    "ai.ollama",
    "ai.mcp",
    "ai.retrieval",
    "supervision",
    "runtime",
    "observe",
    "actions",
    "actions.outside",
    "groups",
    "discovery",
    "plugins",
    "sensors",
    "storage",
    "storage.encryption",
    "storage.postgres",
    "data",
    "testing",
    "errors",
    "world",
)
"""The facade, and the parts in the order in which a reader meets them."""


def pages() -> Mapping[str, str]:
    """Return each page by the name of its file."""
    package = griffe.load("jido_trio", search_paths=[str(ROOT)])
    written = {f"{part}.md": _page(part, package) for part in PARTS}
    return {"index.md": _index(), **written}


def write() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _index() -> str:
    lines = ["# Reference", "", "Made from the docstrings by `python -m docs.reference`.", ""]
    lines += [
        f"- [`{_module(part)}`]({part}.md): {_first_line(import_module(_module(part)).__doc__)}" for part in PARTS
    ]
    return "\n".join(lines) + "\n"


def _module(part: str) -> str:
    return part if part == "jido_trio" else f"jido_trio.{part}"


def _page(part: str, package: griffe.Object | griffe.Alias) -> str:
    module = import_module(_module(part))
    source = package if part == "jido_trio" else package[part]
    lines = [f"# `{_module(part)}`", "", *_text(module.__doc__), ""]
    for name in names(part):
        member = source[name]
        home = _home(member)
        if part == "jido_trio" and home is not None:
            lines.append(f"- [`{name}`]({home}.md#{name.lower()}): {_first_line(_doc(member))}")
        else:
            lines += [*_entry(name, member), ""]
    return "\n".join(lines).rstrip() + "\n"


def names(part: str) -> tuple[str, ...]:
    """Return the public names of a part: those of `__all__`, or all classes and functions of its own."""
    module = import_module(_module(part))
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return tuple(listed)
    return tuple(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and isinstance(value, type) and value.__module__ == module.__name__
    )


def _home(member: griffe.Object | griffe.Alias) -> str | None:
    """Return the page where a name of the facade is described."""
    part = _itself(member).canonical_path.split(".")[1]
    return part if part in PARTS else None


def _itself(member: griffe.Object | griffe.Alias) -> griffe.Object:
    return member.final_target if isinstance(member, griffe.Alias) else member


def _entry(name: str, member: griffe.Object | griffe.Alias, level: str = "##") -> Iterator[str]:
    yield f"{level} {name}"
    yield ""
    signature = _signature(name, member)
    if signature:
        yield from ("```text", signature, "```", "")
    yield from _text(_doc(member))
    if member.is_class:
        yield from _members(_itself(member))


def _members(member: griffe.Object) -> Iterator[str]:
    own = [(name, each) for name, each in member.members.items() if not name.startswith("_")]
    fields = [(name, each) for name, each in own if not each.is_function and (_doc(each) or each.is_attribute)]
    if fields:
        yield from ("", "| field | |", "|---|---|")
        for name, each in fields:
            found = _itself(each)
            annotation = f": {found.annotation}" if isinstance(found, griffe.Attribute) and found.annotation else ""
            yield f"| `{_cell(name + annotation)}` | {_cell(' '.join((_doc(each) or '').split()))} |"
    for name, each in own:
        if each.is_function and _doc(each):
            yield ""
            yield from _entry(name, each, "###")


def _signature(name: str, member: griffe.Object | griffe.Alias) -> str:
    if member.is_class and "__init__" in member.members:
        return _signature(name, member.members["__init__"]).removesuffix(" -> None")
    function = _itself(member)
    if not isinstance(function, griffe.Function):
        return ""
    if function.overloads:  # what callers see; the one below them takes anything
        return "\n".join(_signature(name, each) for each in function.overloads)
    parameters = [_parameter(each) for each in function.parameters if each.name not in {"self", "cls"}]
    text = ", ".join(_with_marks(function.parameters, parameters))
    returns = "" if function.returns is None else f" -> {function.returns}"
    return f"{'async ' if 'async' in function.labels else ''}{name}({text}){returns}"


def _parameter(parameter: griffe.Parameter) -> str:
    stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
    text = stars.get(parameter.kind or griffe.ParameterKind.positional_or_keyword, "") + parameter.name
    if parameter.annotation is not None:
        text += f": {parameter.annotation}"
    return text if parameter.default is None or text.startswith("*") else f"{text} = {parameter.default}"


def _with_marks(parameters: Iterable[griffe.Parameter], texts: Iterable[str]) -> Iterator[str]:
    """Put the star before the first parameter that is keyword-only."""
    marked = False
    kinds = [each.kind for each in parameters if each.name not in {"self", "cls"}]
    for kind, text in zip(kinds, texts, strict=True):
        marked = marked or kind is griffe.ParameterKind.var_positional
        if kind is griffe.ParameterKind.keyword_only and not marked:
            marked = True
            yield "*"
        yield text


def _doc(member: griffe.Object | griffe.Alias) -> str | None:
    return None if member.docstring is None else member.docstring.value


def _text(doc: str | None) -> Iterator[str]:
    """Return a docstring as Markdown: indented lines below a heading such as `Raises:` become a list."""
    section = False
    for line in (doc or "").splitlines():
        if line in {"Args:", "Raises:", "Returns:", "Yields:"}:
            section = True
            yield from (f"**{line[:-1]}**", "")
        elif section and line.startswith("    ") and not line.startswith("     "):
            name, colon, rest = line.strip().partition(": ")
            yield f"- `{name}`: {rest}" if colon else f"- {line.strip()}"
        elif section and line.startswith("     "):
            yield f"  {line.strip()}"
        else:
            section = section and not line
            yield line


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().splitlines()[0] if doc else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write()
