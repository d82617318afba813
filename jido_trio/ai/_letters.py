"""Text of models and tools that can be encoded, whatever they said: a letter that came in two halves is made whole."""

from collections.abc import Callable

from attrs import define, field


def clean(text: str) -> str:
    """Return text that can be encoded: halves of surrogate pairs are joined, or replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # it joins them
        return whole.encode("utf-8", "replace").decode()
    return text


@define(eq=False)
class Letters:
    """Tells text that comes in pieces, clean; half a letter at the end of a piece waits for the next."""

    _tell: Callable[[str], None]
    _half: str = field(default="", init=False)

    def __call__(self, text: str) -> None:
        """Take the next piece; nothing, as some servers send, is none."""
        if not text:
            return
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        self._tell(clean(text.removesuffix(self._half)))
