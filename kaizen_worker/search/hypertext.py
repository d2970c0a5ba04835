"""HTML as a title and blocks of plain text, without what a reader does not see."""

from selectolax.lexbor import LexborHTMLParser

_MARK = "\x1e"  # the record separator: no HTML text needs it
_UNSEEN = (
    "script, style, noscript, template, iframe, object, svg, nav, [hidden], [aria-hidden=true], "
    '[style*="display:none" i], [style*="display: none" i], [style*="visibility:hidden" i], '
    '[style*="visibility: hidden" i], [style*="font-size:0" i], [style*="font-size: 0" i]'
)
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_BLOCKS = (
    "p, div, li, dt, dd, tr, br, hr, pre, blockquote, section, article, header, footer, main, table, ul, ol, dl, figure"
)
_CELLS = "td, th"


def parse(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The title, if any, and (level, text) of each block, 0 for paragraphs."""
    tree = LexborHTMLParser(text.replace(_MARK, " "))
    head = tree.css_first("title")
    title = head.text() if head else ""
    for node in tree.css(_UNSEEN):
        node.decompose()
    for selector in (_HEADINGS, _BLOCKS, _CELLS):
        for node in tree.css(selector):
            level = (node.tag or "")[1:] if selector == _HEADINGS else "0"
            node.insert_before(" " if selector == _CELLS else _MARK + level)
            node.insert_after(" " if selector == _CELLS else _MARK + "0")
    body = tree.body.text() if tree.body else ""
    return title, [(int(block[0]), block[1:]) for block in f"0{body}".split(_MARK)]
