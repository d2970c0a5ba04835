"""The talk itself: sessions interleaved in time, each question looked up once, at its time.

A turn draws from the seed, the session and its number alone: another look-up changes only what follows from its own
finds, so two runs differ by what the assistant knew and by nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from random import Random

from kaizen_api.schema import Interaction
from kaizen_worker.simulate.assistant import LookUp, Outcome, Reply, reply
from kaizen_worker.simulate.conditions import Conditions, conditions, latency
from kaizen_worker.simulate.rates import Rates
from kaizen_worker.simulate.scenario import Scenario
from kaizen_worker.simulate.sessions import Session, sessions
from kaizen_worker.simulate.users import Kind, feedback, next_kind, pause

_WELCOME = "You're welcome."


@dataclass(frozen=True, slots=True)
class Played:
    """One turn and what is true of it; `outcome` is None where nothing was asked."""

    interaction: Interaction
    session: Session
    kind: Kind
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class _Line:
    """A turn that is due."""

    at: datetime
    session: Session
    number: int  # of the turn, from 1
    asked: int  # questions of the session, this one included
    kind: Kind


def perform(scenario: Scenario, look_up: LookUp) -> Iterator[Played]:
    """Yield every interaction with its truth, by time, each with an id, a session and a time in the period.

    The look-up is called once for every question, when its turn comes, and not ahead of what is consumed.
    """
    due = [(session.at, session.id, _Line(session.at, session, 1, 1, "question")) for session in sessions(scenario)]
    heapify(due)
    while due:
        line = heappop(due)[2]
        chance = Random(f"{scenario.seed}/{line.session.id}/{line.number}")
        played = (
            _question(line, scenario, look_up, chance) if line.kind == "question" else _aside(line, scenario, chance)
        )
        yield played
        follow = _next(line, played.outcome, scenario.rates, chance)
        if follow is not None and follow.at < scenario.end:
            heappush(due, (follow.at, follow.session.id, follow))


def _next(line: _Line, outcome: Outcome | None, rates: Rates, chance: Random) -> _Line | None:
    kind = next_kind(line.kind, outcome, rates, chance)
    asked = line.asked + (kind == "question")
    if kind is None or asked > len(line.session.questions):
        return None
    at = line.at + timedelta(seconds=pause(rates, chance))
    return _Line(at, line.session, line.number + 1, asked, kind)


def _question(line: _Line, scenario: Scenario, look_up: LookUp, chance: Random) -> Played:
    query, rates = line.session.questions[line.asked - 1], scenario.rates
    found = look_up(query, line.session.id)
    tool = chance.choice(scenario.tools) if len(scenario.tools) > 1 else scenario.tools[0]
    under = conditions(line.session, line.at, tool, scenario, chance)
    said = _bent(reply(line.session.subject, found, scenario.turns, rates, chance), under, scenario, chance)
    interaction = _interaction(line, query, said.response)
    interaction.tool, interaction.error = tool, under.error
    interaction.entry_ids = list(said.entry_ids) or None
    interaction.feedback = feedback(said.outcome, rates, chance)
    if not under.error:
        level, critics = under.scores(rates, good=said.outcome == "answered")
        interaction.response_time = under.latency
        interaction.consciousness_level, interaction.critics = level, critics
    return Played(interaction, line.session, line.kind, said.outcome)


def _bent(said: Reply, under: Conditions, scenario: Scenario, chance: Random) -> Reply:
    """What comes of a reply under the conditions: nothing after an error, and a right one may be bent by a fault."""
    if under.error:
        return Reply("error", None)
    if said.outcome == "answered" and under.unclear:
        return Reply("asked_back", chance.choice(scenario.turns.clarifications))
    return replace(said, outcome="wrong") if said.outcome == "answered" and under.unhelpful else said


def _aside(line: _Line, scenario: Scenario, chance: Random) -> Played:
    """A turn without a question: the assistant asks back, or takes the thanks; there is nothing to judge."""
    turns, thanked = scenario.turns, line.kind == "thanks"
    query = chance.choice(turns.thanks if thanked else turns.negations)
    response = _WELCOME if thanked else chance.choice(turns.clarifications)
    interaction = _interaction(line, query, response)
    interaction.response_time = latency(scenario.rates, chance)
    return Played(interaction, line.session, line.kind, None)


def _interaction(line: _Line, query: str, response: str | None) -> Interaction:
    session = line.session
    return Interaction(
        id=f"{session.id}-{line.number}",
        occurred_at=line.at,
        session_id=session.id,
        user_id=session.user_id,
        query=query,
        response=response,
        model=session.model,
    )
