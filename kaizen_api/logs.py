"""Log lines as JSON, one object a line, for machines that gather them; personal data and secrets are masked in them.

Guarantee: each line is one JSON object with `at` (RFC 3339, UTC), `level`, `logger` and `message`; `error` where there
was an exception; and the names of what the process worked on (`tenant`, `cycle_id`, `gap_id`, `job`), by which a line
joins what Kaizen stored: an analysis has its cycle's id, what it found the same, a search its gap's.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from kaizen_api.config import KaizenConfig
from kaizen_api.masking import mask
from kaizen_api.printable import one_line, printable
from kaizen_api.rendering import rfc3339


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
    """JSON for uvicorn, whose own handlers are there when it asks for the application; it quotes by itself."""
    if config.log_format == "json":
        dress(logging.getLogger("uvicorn").handlers, config)
