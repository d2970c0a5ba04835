"""What people see of texts that others wrote: it drives no terminal, begins no line and turns no reading round.

The one place for it: the command line, reports and logs print no name, query or reason that has not been here.
"""

import re

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, movement
    r"|(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links
    r"|\x1b[ -/]*[0-~]"  # any other escape
)
BIDI = "\u202a-\u202e\u2066-\u2069"
"""As in a class of a pattern: embeddings, overrides and isolates, by which a name reads as what it is not.

The marks U+200E and U+200F stay, for right-to-left text needs them and they turn nothing round.
"""

_SHOWN_AS_UNKNOWN = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{BIDI}\ud800-\udfff]")
_BREAKS = re.compile(r"[\n\t\u2028\u2029]+")


def printable(text: str) -> str:
    """The text without terminal sequences; U+FFFD for each other control, `BIDI` sign and half of a surrogate pair.

    Newlines and tabs stay. A byte of an argument that is no UTF-8 is such a half.
    """
    return _SHOWN_AS_UNKNOWN.sub("\N{REPLACEMENT CHARACTER}", _SEQUENCE.sub("", text))


def one_line(text: str) -> str:
    """The same in one line: what is printed in a line of ours cannot begin one of its own."""
    return _BREAKS.sub(" ", printable(text))
