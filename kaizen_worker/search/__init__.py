"""Where missing knowledge is searched: one file a source behind one Protocol, and the screening of what comes back."""

from kaizen_api.config import KaizenConfig
from kaizen_worker.search.folder import Folder
from kaizen_worker.search.source import Source

__all__ = ["Source", "build"]


def build(config: KaizenConfig) -> list[Source]:
    """The configured sources, in their order; `folder` only where `documents_path` names one."""
    known: dict[str, Source] = {}
    if config.documents_path:
        known[Folder.name] = Folder(config.documents_path)
    return [known[name] for name in config.search_sources if name in known]
