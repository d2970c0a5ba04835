"""What waits for a person's word: the entries found for a gap, and the command that is the next step.

Takes everything as rendered by `plain`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Shown = Mapping[str, Any]

_STATES = {
    "quarantined": "waits for approval",
    "active": "active: the assistant finds it",
    "superseded": "superseded: another one says it better",
    "expired": "taken out",
}
_ADD = "nothing that may be let in was found: add what is missing with `kaizen kb add FILE`"
_KNOWLEDGE = frozenset({"missing", "stale", "contradictory", "unclear"})  # diagnoses that an entry may mend
_STRANGE = (
    "none of your own documents answers it: decide whether the assistant should serve it; if so, add what it needs "
    "with `kaizen kb add FILE`, if not, let it say so at once and point to who does"
)
_UNTOLD = "not searched: the next analysis (`kaizen analyze`) says why, or opens it"
_CLOSED = "nothing: the last analysis no longer found it; one that finds it again opens it again"
_ACTIVE_LATER = "nothing is active yet: what a search finds for its gap becomes so by itself"
_SEARCHED = "nothing yet: the workers still search; what they find is shown here"


def entry_line(entry: Shown) -> str:
    """An entry: its title, where it came from, and how it stands."""
    origin = ", ".join(filter(None, (entry["provenance"]["source"], entry["provenance"]["url"])))
    return f"{entry['title'] or '(no title)'} ({origin}): {_stands(entry)}"


def insight_step(insight: Shown, gap: Shown | None, entries: Sequence[Shown]) -> str:
    """The next step with an insight; `gap` is the one it is about, with the entries found for it."""
    one = insight["id"]
    match insight["status"]:
        case "dismissed":
            return "nothing: it stays aside, also when it is found again"
        case "no_effect":
            return f"it changed nothing that matters: `kaizen insights revert {one}` takes it out"
        case "applied" | "confirmed" if insight["gap"] is None:
            return f"nothing: its recommendation is served as guidance; `kaizen insights revert {one}` takes it back"
        case "applied" | "confirmed":
            return _applied_step(one, gap)
        case _ if insight["gap"] is None:
            return f"`kaizen insights apply {one}` serves the recommendation to the assistant, {_aside(one)}"
        case _:
            return _ADD if gap is None else gap_step({**gap, "insight": one}, entries)


def gap_step(gap: Shown, entries: Sequence[Shown]) -> str:
    """The next step with a gap and the entries found for it."""
    insight = gap["insight"]
    aside = f", {_aside(insight)}" if insight else ""
    match gap["status"]:
        case "dismissed":
            return "nothing: it stays aside"
        case "open" | "filling":
            return _SEARCHED
        case "filled":
            return _measured(insight) if insight else "nothing: the assistant finds what was found"
        case "closed":
            return _closed_step(insight, entries)
        case "unfilled":
            return _unfilled_step(gap) + aside
        case _:
            return _proposed_step(insight, entries, aside)


def applied_lines(insight: Shown, gap: Shown | None, entries: Sequence[Shown], *, hold_out: float) -> list[str]:
    """What applying an insight about that gap has brought about, or what has to be done as nothing has.

    `hold_out` is the share of conversations that go without, 0..1.
    """
    if insight["gap"] is None:
        return ["its recommendation is served to the assistant as guidance; the effect of guidance is not measured"]
    active = [entry for entry in entries if entry["state"] == "active"]
    if not active:
        return [_ADD if entries else _nothing_yet(gap)]
    going = (
        f"{100 * hold_out:g}% of the conversations go without, to measure the effect: see `kaizen effects`"
        if hold_out
        else "no conversation goes without (KAIZEN_HOLD_OUT is 0), so no effect is measured"
    )
    return [f"{len(active)} of {len(entries)} entries active:", *(f"- {entry_line(entry)}" for entry in entries), going]


def _nothing_yet(gap: Shown | None) -> str:
    """Why nothing is active, in the words of `gap_step`: a gap that no search mends is not waited for."""
    if gap is None:
        return _ADD
    if gap["status"] == "unfilled":
        return f"nothing is active: {_unfilled_step(gap)}"
    return _CLOSED if gap["status"] == "closed" else _ACTIVE_LATER


def _stands(entry: Shown) -> str:
    disputed = f"; says otherwise than {', '.join(entry['disputes'])}" if entry.get("disputes") else ""
    if not entry["flags"]:
        return _STATES[entry["state"]] + disputed
    flagged = f"flagged: {', '.join(entry['flags'])}"
    stands = f"{_STATES['active']}; " if entry["state"] == "active" else "stays out, "
    return stands + flagged + disputed


def _stays_out(entry: Shown) -> bool:
    """Whether applying does not let it in."""
    return entry["state"] == "superseded" or (bool(entry["flags"]) and entry["state"] != "active")


def _proposed_step(insight: str | None, entries: Sequence[Shown], aside: str) -> str:
    if not _waits(entries):
        return _ADD + aside
    if insight is None:
        return "`kaizen insights --type gap` lists the insights that fill gaps"
    return f"`kaizen insights apply {insight}` lets the assistant find what waits{aside}"


def _closed_step(insight: str | None, entries: Sequence[Shown]) -> str:
    letting_in = f"; `kaizen insights apply {insight}` lets in what was found" if insight and _waits(entries) else ""
    return _CLOSED + letting_in


def _waits(entries: Sequence[Shown]) -> bool:
    """Whether there is anything that applying lets in."""
    return any(not _stays_out(entry) for entry in entries)


def _unfilled_step(gap: Shown) -> str:
    """What was not found, or why it was not searched for; the history ends with the reason."""
    last = gap["history"][-1] if gap["history"] else None
    if last is not None and last["event"] == "unfilled":
        adding = "; `kaizen kb add FILE` adds what you have" if gap["diagnosis"] in _KNOWLEDGE else ""
        return f"not searched: {last['detail'].rstrip('.')}{adding}"
    if not any(step["event"] == "searching" for step in gap["history"]):
        return _UNTOLD
    return _STRANGE if gap["diagnosis"] == "out_of_scope" else _ADD


def _applied_step(insight: str, gap: Shown | None) -> str:
    if gap is None:
        return _ADD
    if gap["status"] == "closed":
        return f"{_CLOSED}; `kaizen insights revert {insight}` takes the insight back"
    if gap["status"] == "unfilled":
        return _unfilled_step(gap)
    return _SEARCHED if gap["status"] in {"open", "filling"} else _measured(insight)


def _measured(insight: str) -> str:
    return (
        f"`kaizen effects show {insight}` says what it brought, once an analysis has measured it; "
        f"`kaizen insights revert {insight}` takes it back"
    )


def _aside(insight: str) -> str:
    return f"`kaizen insights dismiss {insight}` puts it aside"
