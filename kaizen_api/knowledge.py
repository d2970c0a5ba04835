"""What the assistant gets at answer time: entries, and what applied insights recommend."""

import msgspec

from kaizen_api.schema import Provenance


class Hit(msgspec.Struct, kw_only=True, frozen=True):
    """One entry as the assistant gets it at answer time."""

    id: str
    title: str
    text: str
    score: float  # 0..1
    provenance: Provenance


class Knowledge(msgspec.Struct, kw_only=True, frozen=True):
    """What the assistant gets at answer time."""

    entries: list[Hit]  # the best first
    guidance: list[str]  # what applied insights recommend for such a question

    @property
    def entry_ids(self) -> list[str]:
        """Of the entries: what an `Interaction` names as used."""
        return [entry.id for entry in self.entries]
