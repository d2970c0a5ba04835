"""What an analysis learned of a score that comes with interactions: of a critic, the level, or the verdict."""

from typing import Literal

import msgspec

from kaizen_api.known import Known


class Critic(msgspec.Struct, kw_only=True, frozen=True):
    """Whether a score predicts which answers fail, and how much it counts for that."""

    weight: float  # log odds of failure per standard deviation below its mean; 0: it counts for nothing
    auc: float | None  # probability that a failure scores below a success; None where too few outcomes are known
    failed: int  # failures that carry the score
    succeeded: int  # and successes
    by: Known[Literal["ratings", "next_turn"]]  # what told them apart: what users said, or what they did next
