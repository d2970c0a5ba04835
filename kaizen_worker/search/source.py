"""What every search source is."""

from typing import Protocol

from kaizen_worker.types import Passage

OWN = frozenset({"folder", "meilisearch", "opensearch"})
"""Sources whose content whoever runs the assistant has put there: what they hold is in its scope."""


class Source(Protocol):
    """Finds passages; what it returns is somebody else's text and has to be screened."""

    @property
    def name(self) -> str:
        """As the configuration and the provenance name it."""

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The best passages for a query in plain language, the best first.

        Raises:
            Unavailable: The source cannot be reached now.
        """
