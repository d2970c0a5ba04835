"""Markdown as a title and blocks of plain text."""

import re
from collections.abc import Iterator

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)")
_UNDERLINE = re.compile(r"(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*\n", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]{0,500})\]\([^)]{0,2000}\)")
_LINK = re.compile(r"\[([^\]]{1,500})\]\(([^)\s]{0,2000})[^)]{0,500}\)")
_EMPHASIS = re.compile(r"(?<!\w)(\*\*|__|\*|_)(?=\S)(.{1,300}?)(?<=\S)\1(?!\w)")


def parse(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The title of the front matter, if any, and (level, text) of each block, 0 for paragraphs."""
    front = _FRONT.match(text)
    title = _TITLE.search(front[1]) if front else None
    body = _COMMENT.sub(" ", text[front.end() :] if front else text)
    return title[1] if title else "", [(level, _bare(block)) for level, block in _blocks(body.split("\n"))]


def _blocks(lines: list[str]) -> Iterator[tuple[int, str]]:
    paragraph: list[str] = []
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        heading = _HEADING.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif fence or not _ends(line, paragraph):
            paragraph.append(line)
        elif _UNDERLINE.match(line) and paragraph:
            yield (1 if line.startswith("=") else 2), paragraph.pop()
        else:
            yield 0, "\n".join(paragraph)
            paragraph = []
            if heading:
                yield len(heading[1]), heading[2].rstrip(" \t#")
    yield 0, "\n".join(paragraph)


def _ends(line: str, paragraph: list[str]) -> bool:
    """Whether a line outside of code ends the paragraph: it is blank, a heading, or underlines its only line."""
    underlined = len(paragraph) == 1 and _UNDERLINE.match(line)
    return bool(not line.strip() or _HEADING.match(line) or underlined)


def _bare(text: str) -> str:
    """Marks removed: emphasis and images down to their text, links to their text and address."""
    linked = _LINK.sub(_link, _IMAGE.sub(r"\1", text))
    return _EMPHASIS.sub(r"\2", linked).replace("`", "")


def _link(link: re.Match[str]) -> str:
    web = link[2].startswith(("https://", "http://")) and link[2] != link[1]
    return f"{link[1]} ({link[2]})" if web else link[1]
