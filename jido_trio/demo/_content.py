"""What a reader finds in a file, before it is made a document."""

from attrs import frozen


@frozen
class Content:
    """Title and text as the file has them; the title is empty when it states none."""

    title: str
    text: str
