"""Parts of the package that need an extra: what to install where it is missing."""

from importlib.util import find_spec


class MissingExtra(ModuleNotFoundError):
    """A part of the package needs packages that are not installed."""


def require(extra: str, *modules: str, part: str | None = None) -> None:
    """Have an extra of ours be installed, whose `modules` the caller needs: a part called like the extra, or `part`.

    Raises:
        MissingExtra: Some are not there; the message says what to install.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise MissingExtra(
            f"jido_trio.{part or extra} needs {' and '.join(missing)}, not installed here: "
            f"pip install 'jido-trio[{extra}]', or '.[{extra}]' in a clone",
            name=missing[0],
        )
