"""Log lines as JSON, one object a line, for machines that gather them; personal data and secrets are masked in them.

Guarantee: each line is one JSON object with `at` (RFC 3339, UTC), `level`, `logger` and `message`; `error` where there
was an exception; and the names of what the process worked on (`tenant`, `cycle_id`, `gap_id`, `job`) and of what the
line is about (`ABOUT`), by which lines join what Kaizen stored and each other: interactions as the evidence of an
insight, the insight with its gap, the gap with its entries. Where the process is traced, `trace_id` and `span_id`.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TextIO

import msgspec

from kaizen_api import spans
from kaizen_api.config import KaizenConfig
from kaizen_api.masking import mask
from kaizen_api.printable import one_line, printable
from kaizen_api.rendering import rfc3339

ABOUT = ("tenant", "cycle_id", "topic_id", "interaction_ids", "insight_id", "gap_id", "entry_ids")
"""What a line may name as `extra`; in this order a correlation goes on."""


def _nothing() -> Mapping[str, str]:
    return {}


class JsonLines(logging.Formatter):
    """Formats records so.

    Args:
        subject: What the process works on now, by name.
    """

    def __init__(self, subject: Callable[[], Mapping[str, str]] = _nothing) -> None:
        super().__init__()
        self._subject = subject

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON, without the end of the line."""
        line = {
            "at": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": printable(mask(record.getMessage())),
            **self._subject(),
            **{name: value for name in ABOUT if (value := getattr(record, name, None)) is not None},
            **spans.ids(),
        }
        if record.exc_info:
            line["error"] = printable(mask(self.formatException(record.exc_info)))
        return msgspec.json.encode(line).decode()


def in_one_line(record: logging.LogRecord) -> bool:
    """A filter that passes every message, as one line: no name in it can forge another one."""
    record.msg, record.args = one_line(record.getMessage()), None
    return True


def dress(
    handlers: Iterable[logging.Handler], config: KaizenConfig, subject: Callable[[], Mapping[str, str]] = _nothing
) -> None:
    """Have handlers write JSON, where the settings say so; else each message in one line."""
    for handler in handlers:
        if config.log_format == "json":
            handler.setFormatter(JsonLines(subject))
        else:
            handler.addFilter(in_one_line)


def dress_server(config: KaizenConfig) -> None:
    """The same for uvicorn, whose own handlers are there when it asks for the application; it quotes by itself.

    What Kaizen says goes where uvicorn's goes: it had no handler, and came as bare text whatever the settings say.
    """
    theirs, ours = logging.getLogger("uvicorn").handlers, logging.getLogger("kaizen")
    if config.log_format == "json":
        dress(theirs, config)
    ours.handlers = [_beside(handler) for handler in theirs if isinstance(handler, logging.StreamHandler)]
    ours.setLevel(logging.INFO)
    dress(ours.handlers, config)


def _beside(other: "logging.StreamHandler[TextIO]") -> logging.Handler:
    """Another handler that writes to the same place in the same form."""
    handler = logging.StreamHandler(other.stream)
    handler.setFormatter(other.formatter)
    return handler
