"""Gaps without labels, with half of the answers taken out: single questions, and the topics that become gaps.

Through the real store, retrieval and `find_gaps`, with the same defaults for all; three seeds each.
"""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from kaizen_api.schema import Record
from kaizen_worker.pipeline.gaps import find_gaps
from kaizen_worker.pipeline.gaps.unserved import coverage
from kaizen_worker.pipeline.signals import read_responses, signals
from kaizen_worker.pipeline.window import window
from kaizen_worker.types import Sample, Thresholds

SEEDS = range(3)
MINUTE = 60_000_000
LEAST = {"xquad-en": (0.95, 0.8), "pubmedqa": (0.97, 0.8), "covidqa": (0.64, 0.0)}
"""Area under the curve, and precision at the default threshold."""


def _sample(asked, embedder, *, rng):
    """A log in which 60 people ask these (text, topic), and nothing is known of the answers."""
    people = rng.integers(60, size=len(asked))
    records = [
        Record(id=f"q{row:05d}", occurred_at=row * MINUTE, query=text, user=f"u{who}", session=f"s{row}")
        for row, ((text, _), who) in enumerate(zip(asked, people, strict=True))
    ]
    seen = window(records, read=read_responses)
    seen = replace(seen, vectors=embedder.embed(seen.texts))
    names = sorted({topic for _, topic in asked if topic})
    topic = np.array([names.index(name) if name else -1 for _, name in asked], np.int32)
    limits = Thresholds()
    return Sample(seen, topic, tuple(names), tuple(names), signals(seen, limits), limits)


def _print(name, truth, covered):
    """Area under the curve; precision, recall of "it cannot be answered" at the default threshold."""
    area, said = roc_auc_score(truth, covered), covered < 1 / 2
    precision, recall = (said & ~truth).sum() / max(said.sum(), 1), (said & ~truth).sum() / (~truth).sum()
    print(f"{name:34} AUC {area:.3f}  precision {precision:.3f}  recall {recall:.3f}  ({len(truth)} questions)")
    return area, precision


@pytest.mark.parametrize("name", LEAST)
def test_half_of_the_answers_gone(library, serve, embedder, name):
    known = library(name)
    gold = sorted({passage for _, answers in known.questions for passage in answers})
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        gone = {gold[place] for place in rng.permutation(len(gold))[: len(gold) // 2]}
        kept = {key: passage for key, passage in known.passages.items() if key not in gone}
        sample = _sample([(text, "") for text, _ in known.questions], embedder, rng=rng)
        covered = coverage(sample, serve(kept, sample.window.texts))
        truth = np.array([bool(set(answers) - gone) for _, answers in known.questions])
        found.append(_print(f"{name}, seed {seed}", truth, covered[sample.window.text]))
    mean = np.mean(found, axis=0)
    print(f"{name}: mean AUC {mean[0]:.3f}, precision {mean[1]:.3f}")
    assert (mean >= LEAST[name]).all()


@pytest.mark.parametrize("entries", [3, 10, 75])
def test_requests_out_of_scope(labelled, serve, embedder, entries):
    """A knowledge base of short entries for 135 kinds of request; 15 more kinds, and 1,200 strange ones, are asked."""
    kinds, (strange,) = labelled("clinc150"), labelled("clinc150_oos").values()
    areas = []
    for seed in SEEDS[:2]:
        rng = np.random.default_rng(seed)
        names = rng.permutation(list(kinds))
        mixed = {name: [kinds[name][place] for place in rng.permutation(len(kinds[name]))] for name in names}
        kept = {f"{name}.{row}": ("", text) for name in names[15:] for row, text in enumerate(mixed[name][:entries])}
        inside = [text for name in names[15:] for text in mixed[name][entries : entries + 12]]
        held = [text for name in names[:15] for text in mixed[name][:40]]
        asked = list(dict.fromkeys([*inside, *held, *strange]))
        sample = _sample([(text, "") for text in asked], embedder, rng=rng)
        covered = coverage(sample, serve(kept, sample.window.texts))[sample.window.text]
        place = {text: row for row, text in enumerate(asked)}
        for other, texts in (("strange", strange), ("kinds held out", held)):
            rows = [place[text] for text in [*inside, *texts]]
            truth = np.arange(len(rows)) < len(inside)
            area, _ = _print(f"clinc150, {entries} each, {other}, {seed}", truth, covered[rows])
            areas.append(area if other == "strange" else np.nan)
    print(f"clinc150, {entries} entries a kind: mean AUC of strange ones {np.nanmean(areas):.3f}")


@pytest.mark.parametrize("name", ["xquad-en", "pubmedqa", "covidqa"])
def test_questions_about_something_else(library, labelled, serve, embedder, name):
    """The whole collection is there; its own questions, and those of the others, are asked."""
    known = library(name)
    inside = [text for text, _ in known.questions]
    others = [
        text for other in ("xquad-en", "pubmedqa", "covidqa") if other != name for text, _ in library(other).questions
    ]
    asked = list(dict.fromkeys([*inside, *others, *labelled("clinc150_oos")["oos"]]))
    rng = np.random.default_rng(0)
    sample = _sample([(text, "") for text in asked], embedder, rng=rng)
    covered = coverage(sample, serve(known.passages, sample.window.texts))[sample.window.text]
    own = set(inside)
    area, _ = _print(f"{name}, other questions", np.array([text in own for text in asked]), covered)
    assert area >= 0.95


def test_topics_that_become_gaps(library, labelled, serve, embedder):
    """Of 48 articles half are gone, of 150 kinds of request a tenth; a topic is an article or a kind."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for name, (kept, asked, gone) in {
            "xquad-en": _articles(library("xquad-en"), rng),
            "clinc150": _kinds(labelled("clinc150"), rng),
        }.items():
            sample = _sample(asked, embedder, rng=rng)
            found = {gap.topic for gap in find_gaps(sample, serve(kept, sample.window.texts))}
            right = len(found & gone)
            print(
                f"{name}, seed {seed}: {len(found)} gaps, {right} of the {len(gone)} topics that lack all entries; "
                f"precision {right / max(len(found), 1):.2f}, recall {right / len(gone):.2f}"
            )
            if name == "xquad-en":
                assert right >= 0.8 * max(len(found), len(gone))


def _articles(known, rng):
    titles = sorted({title for title, _ in known.passages.values()})
    gone = set(rng.permutation(titles)[: len(titles) // 2].tolist())
    kept = {key: passage for key, passage in known.passages.items() if passage[0] not in gone}
    return kept, [(text, known.passages[answers[0]][0]) for text, answers in known.questions], gone


def _kinds(kinds, rng):
    gone = set(rng.permutation(list(kinds))[: len(kinds) // 10].tolist())
    mixed = {name: [texts[place] for place in rng.permutation(len(texts))] for name, texts in kinds.items()}
    kept = {
        f"{name}.{row}": ("", text) for name in kinds if name not in gone for row, text in enumerate(mixed[name][:10])
    }
    return kept, [(text, name) for name in kinds for text in mixed[name][10:35]], gone
