"""What the HTTP API needs of the engine, which it never imports: whoever composes the application hands it in."""

from typing import Protocol

from kaizen_api.knowledge import Hit
from kaizen_api.schema import Insight, Topic


class Engine(Protocol):
    """Look-ups at answer time, the steps in an insight's life, and what people decide about topics.

    Calls may block: they are made in threads.
    """

    def knowledge(self, tenant: str, query: str, *, session_id: str | None, limit: int) -> list[Hit]:
        """Entries for a query, the best first; whom the hold-out leaves without an entry follows from the session.

        Raises:
            Unavailable: Redis does not answer.
        """

    def guidance(self, tenant: str, query: str) -> list[str]:
        """What applied insights recommend for such a query.

        Raises:
            Unavailable: Redis does not answer.
        """

    def apply(self, tenant: str, insight_id: str) -> Insight:
        """Let an insight take effect; a second time changes nothing.

        Raises:
            NotFound: there is none under that id.
            Conflict: its status does not allow it.
            Unavailable: Redis does not answer.
        """

    def dismiss(self, tenant: str, insight_id: str, reason: str) -> Insight:
        """Put an insight aside; a second time changes nothing. Raises as `apply`."""

    def revert(self, tenant: str, insight_id: str) -> Insight:
        """Take back what applying it did; a second time changes nothing. Raises as `apply`."""

    def rename(self, tenant: str, topic_id: str, name: str | None) -> Topic:
        """Call a topic so, None by its automatic name; a second time changes nothing.

        Raises:
            NotFound: there is none under that id.
            Conflict: another topic is called so, or this one is a part of another.
            Invalid: it is no name.
            Unavailable: Redis does not answer.
        """

    def merge(self, tenant: str, topic_id: str, into: str) -> Topic:
        """Have a topic count to another one, which is returned; a second time changes nothing. Raises as `rename`."""

    def split(self, tenant: str, topic_id: str) -> Topic:
        """Undo that; a second time changes nothing. Raises as `rename`."""
