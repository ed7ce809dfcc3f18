"""What stands in a station's description, without its HTML: a terminal shows text. Pure."""

from html.parser import HTMLParser

from drova_gate.columns import cut, printable

__all__ = ["excerpt", "plain_text"]

BREAKS = frozenset({"br", "p", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6"})
"""Elements that begin a new line."""
UNSEEN = frozenset({"script", "style", "template", "title", "head"})
"""Elements whose text no reader sees."""
EXCERPT_PLACES = 60


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's form
        if tag in UNSEEN:
            self._unseen.append(tag)
        if tag in BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        if tag in BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


def plain_text(html: str) -> str:
    """Return the text of a piece of HTML, a line for each of its paragraphs."""
    parser = _Text()
    # Python's parser fails on a marked section of a kind that it does not know, which no browser knows either.
    parser.feed(html.replace("<![", "&lt;!["))
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)


def excerpt(html: str) -> str:
    """Return the beginning of a description on one line."""
    text = " ".join(plain_text(html).split()) or html
    return cut(printable(text), EXCERPT_PLACES)
