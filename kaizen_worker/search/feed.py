"""RSS and Atom as plain trees; a document type, with which entities would come, is refused."""

from typing import Never
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

import httpx

from kaizen_api.errors import Unavailable
from kaizen_worker.search.web import Answer

OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV = "{http://arxiv.org/schemas/atom}"


class _Plain(TreeBuilder):
    def doctype(self, *_declared: object) -> Never:
        raise ParseError("a document type")


def parse(answer: Answer) -> Element:
    """The root of the tree.

    Raises:
        Unavailable: The answer is no plain XML.
    """
    parser = XMLParser(target=_Plain())  # noqa: S314  # what it is unsafe for begins with a document type
    try:
        parser.feed(answer.body)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError):
        raise Unavailable(f"{httpx.URL(answer.url).host} answers with no plain XML") from None
    return root


def text(element: Element, tag: str) -> str:
    """What a child says, its white space collapsed; empty where there is none."""
    return " ".join((element.findtext(tag) or "").split())


def number(element: Element, tag: str) -> int:
    """The number that a child says; 0 where it says none."""
    said = text(element, tag)
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else 0  # noqa: PLR2004  # no long numbers
