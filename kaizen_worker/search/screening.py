"""What a source returns is somebody else's text: cleaned, cut, and flagged before it may become an entry.

What a reader cannot see goes (markup, control characters, zero-width and direction marks), so that what is flagged,
reviewed, indexed and served is one and the same text. What is left of markup that is broken on purpose, or too nested
to be taken apart, is parted, so that it is markup to nobody. Flags only put an entry in front of a person; the text is
served as quoted data either way.
"""

import html
import re
from dataclasses import replace

from kaizen_worker.search.suspicion import suspicions
from kaizen_worker.types import Passage

MAX_TEXT = 8_000
"""Characters of a passage's text that are kept."""

MAX_TITLE = 300
"""Characters of its title."""

MAX_URL = 2_000
"""Characters of its address; a longer one, or one of another kind than web and file, is dropped."""

HIDDEN, ACTIVE, CUT = "hidden_characters", "active_content", "cut"

_RAW = 8 * MAX_TEXT  # characters that are looked at, before markup goes
_ROUNDS = 4  # of removing markup: what is removed may uncover more
_SCHEMES = ("https://", "http://", "file://")
_ELEMENTS = (
    "a|abbr|address|article|aside|audio|b|base|blockquote|body|br|button|canvas|caption|center|cite|code|col|colgroup|"
    "dd|del|details|dfn|dialog|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form|frame|frameset|h[1-6]|head|"
    "header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|math|meta|nav|noscript|object|ol|"
    "option|p|param|picture|pre|q|s|samp|script|section|select|small|source|span|strike|strong|style|sub|summary|sup|"
    "svg|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|track|u|ul|var|video"
)
_ACTIVE = re.compile(
    r"<(script|style|iframe|object|embed|svg|math|template|noscript)(?=[\s/>])[^>]{0,500}>.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_BREAK = re.compile(r"</?(?:p|div|br|li|tr|h[1-6]|blockquote|pre|section|article|table|ul|ol)\b[^<>]*>", re.IGNORECASE)
_ATTRIBUTES = r"""(?:"[^"]{0,2000}"|'[^']{0,2000}'|[^<>"']++)*"""  # in quotes anything may stand
_TAG = re.compile(
    rf"</?(?:{_ELEMENTS})(?=[\s/>])(?:{_ATTRIBUTES}>|[^<>]*>)|<!--.*?(?:-->|\Z)|<[!?][a-z][^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
_BROKEN_TAG = re.compile(rf"<(?=/?(?:{_ELEMENTS})[\s/>]|[a-z][^\s<>]{{0,100}}[\s/][^<>]{{0,500}}=|!--)", re.IGNORECASE)
_BROKEN_IMAGE = re.compile(r"!(?=\[)")
_IMAGE = re.compile(r"!\[([^\]]{0,500})\](?:\([^)]{0,2000}\)|\[[^\]]{0,500}\])")
_SCRIPTED_LINK = re.compile(
    r"\[([^\]]{0,500})\]\(\s{0,9}(?:javascript|data|vbscript|file)\s{0,9}:[^)]{0,2000}\)", re.IGNORECASE
)
_INNER_SPACE = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n ?(?:\n ?)+")

_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ue000-\uf8ff\ufffe\uffff]")
_HARMLESS = re.compile(
    "[\u00ad\ufeff\ufe0e\ufe0f\u200c\u200d]"
)  # hyphenation, byte order mark, emoji and script joiners


def screen(passage: Passage) -> Passage:
    """The passage with its title and text cleaned and cut, and what was seen added to its flags, sorted."""
    whole_title, seen = _clean(passage.title)
    whole, seen_in_text = _clean(passage.text)
    title, text = _cut(" ".join(whole_title.split()), MAX_TITLE), _cut(whole, MAX_TEXT)
    flags = {*passage.flags, *seen, *seen_in_text, *suspicions(f"{title}\n{text}")}
    if len(whole_title) > MAX_TITLE or len(whole) > MAX_TEXT or len(passage.text) > _RAW:
        flags.add(CUT)
    return replace(passage, title=title, text=text, url=_address(passage.url), flags=tuple(sorted(flags)))


def _clean(text: str) -> tuple[str, set[str]]:
    text = text[:_RAW]
    seen = {HIDDEN} if _UNSEEN.search(_HARMLESS.sub("", text)) else set()
    for _ in range(_ROUNDS):
        before = text
        text = _CONTROL.sub(" ", _UNSEEN.sub("", html.unescape(text)))
        if _ACTIVE.search(text):
            seen.add(ACTIVE)
        text = _SCRIPTED_LINK.sub(r"\1", _IMAGE.sub(r"\1", _TAG.sub("", _BREAK.sub("\n", _ACTIVE.sub("", text)))))
        if text == before:
            break
    else:
        seen.add(ACTIVE)  # nobody writes like that for a reader
    text = _BROKEN_IMAGE.sub("! ", _BROKEN_TAG.sub("< ", text))
    return _LINES.sub("\n\n", _INNER_SPACE.sub(" ", text)).strip(), seen


def _cut(text: str, longest: int) -> str:
    """At a blank, if there is one in the last fifth."""
    if len(text) <= longest:
        return text
    blank = max(text.rfind(" ", 0, longest + 1), text.rfind("\n", 0, longest + 1))
    return text[: blank if blank > longest * 4 // 5 else longest].rstrip()


def _address(url: str) -> str:
    bare = _CONTROL.sub("", _UNSEEN.sub("", url)).strip()
    return bare if len(bare) <= MAX_URL and bare.lower().startswith(_SCHEMES) else ""
