"""An assistant and its users with known faults, for the demo, tests and benchmarks.

The order of use: `split` says what the assistant knows, `place_faults` what is wrong with it, a `Scenario` who asks and
when, and `perform` lets them talk. Nothing here reads a clock or searches: times, seed and look-up are handed in, and
the same ones give the same interactions to the bit. What is true of each turn stays out of the interactions and is
told beside them.
"""

from kaizen_worker.simulate.assistant import MODELS, Found, LookUp, Outcome, answers, quote
from kaizen_worker.simulate.faults import Fault, FaultKind, place_faults
from kaizen_worker.simulate.halves import Split, split
from kaizen_worker.simulate.rates import Rates
from kaizen_worker.simulate.scenario import Scenario
from kaizen_worker.simulate.sessions import Session, sessions
from kaizen_worker.simulate.stage import Played, perform
from kaizen_worker.simulate.users import Kind

__all__ = [
    "MODELS",
    "Fault",
    "FaultKind",
    "Found",
    "Kind",
    "LookUp",
    "Outcome",
    "Played",
    "Rates",
    "Scenario",
    "Session",
    "Split",
    "answers",
    "perform",
    "place_faults",
    "quote",
    "sessions",
    "split",
]
