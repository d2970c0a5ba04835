"""How often what happens: every number the simulation draws from, in one place, so that each can be checked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Probabilities (0..1), seconds, and means and spreads of scores (0..1); faults come on top.

    A question fails if its outcome is anything but "answered".
    """

    user_share: float = 0.85
    """Sessions that carry a user id; the same share of every subject."""
    subject_zipf: float = 1.0
    """Exponent of the popularity of subjects, above what each is asked at least."""
    user_zipf: float = 0.7
    """Exponent of the activity of users."""
    first_model: float = 0.6
    """Sessions served by the first model, the others by the second; the same share of every subject."""
    typos: float = 0.04
    """Questions that have two letters swapped."""

    refusal: float = 0.45
    """The assistant refuses, where nothing suitable was found; where nothing at all was, it takes in `wrong`."""
    wrong: float = 0.40
    """It quotes a document that does not answer, where nothing suitable was found; in the rest it asks back."""
    error: float = 0.01
    """Questions that end in an error without any fault."""

    negation_after_wrong: float = 0.40
    """The user says no to a wrong answer."""
    negation_after_none: float = 0.10
    """The user says no where a question failed without an answer."""
    rephrase_after_failure: float = 0.30
    """The user asks in other words after a failed question."""
    rephrase_after_negation: float = 0.45
    """The user asks in other words after having said no."""
    negation_after_good: float = 0.02
    """The user says no to a right answer."""
    rephrase_after_good: float = 0.04
    """The user asks on about the same subject after a right answer."""
    thanks_after_good: float = 0.22
    """The user says thanks for a right answer."""
    most_questions: int = 3
    """Questions after which a user gives up."""
    pause_median: float = 45.0
    """Seconds between two answers of a session, lognormal."""
    pause_sigma: float = 0.7
    """Standard deviation of its logarithm."""
    pause_most: float = 900.0
    """Longest pause, seconds: half an hour would end a conversation."""

    feedback_after_failure: float = 0.18
    """Failed questions that the user rates."""
    feedback_after_good: float = 0.12
    """Answered questions that the user rates."""
    feedback_mistaken: float = 0.04
    """Ratings that say the opposite of what is true."""

    latency_median: float = 0.8
    """Seconds to an answer, lognormal; an error has none."""
    latency_sigma: float = 0.4
    """Standard deviation of its logarithm."""
    level_good: float = 0.78
    """Mean consciousness level of an answered question."""
    level_bad: float = 0.64
    """Mean consciousness level of a failed question."""
    level_spread: float = 0.12
    """Standard deviation of the consciousness level."""
    groundedness_good: float = 0.80
    """Mean groundedness of an answered question."""
    groundedness_bad: float = 0.58
    """Mean groundedness of a failed question."""
    groundedness_spread: float = 0.16
    """Standard deviation of the groundedness."""
    politeness: float = 0.80
    """Mean politeness, whatever the outcome: it tells nothing."""
    politeness_spread: float = 0.10
    """Standard deviation of the politeness."""
