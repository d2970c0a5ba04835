"""Where missing knowledge is searched: one file a source behind one Protocol, and the screening of what comes back."""

from kaizen_worker.search.choice import build
from kaizen_worker.search.source import Source

__all__ = ["Source", "build"]
