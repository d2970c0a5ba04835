"""What is given before anybody speaks: who could ask about what, when, and with which faults."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from kaizen_worker.helpdesk import Subject, Turns
from kaizen_worker.simulate.faults import Fault
from kaizen_worker.simulate.rates import Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One round of talk.

    Attributes:
        name: Begins every id; scenarios for one tenant need different ones.
        subjects: What is asked about.
        turns: What is said around a question.
        start: No answer is given before; with a time zone.
        end: No answer is given at or after it.
        sessions: How many, without those that a burst adds.
        seed: Whose activity and which popularity; equal in rounds that share their users.
        users: How many people there are.
        phrases: Questions in the words of before (`asked`) or after the fix (`again`).
        faults: What is wrong.
        tools: One of them serves each question, all alike.
        rates: How often what happens.

    Raises:
        ValueError: nothing to ask, nobody to ask it, or no time to do so.
    """

    name: str
    subjects: tuple[Subject, ...]
    turns: Turns
    start: datetime
    end: datetime
    sessions: int
    seed: int
    users: int = 400
    phrases: Literal["asked", "again"] = "asked"
    faults: tuple[Fault, ...] = ()
    tools: tuple[str, ...] = ("docs",)
    rates: Rates = field(default_factory=Rates)

    def __post_init__(self) -> None:
        if not self.subjects or not self.tools or self.sessions < 1 or self.users < 1:
            raise ValueError("a scenario needs subjects, tools, sessions and users")
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start >= self.end:
            raise ValueError(f"a scenario starts before it ends, in a time zone: {self.start} to {self.end}")
