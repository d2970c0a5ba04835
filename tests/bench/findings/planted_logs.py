"""Analyses planted logs, a file of JSON each: `python planted_logs.py FOLDER DATA VECTORS TEXTS MODE FIRST COUNT STEP`.

A log whose file is there is not drawn again, so what was interrupted goes on. MODE is "true" (the true subjects are the
topics), "whole" (topics are found by clustering), or "onset" (an analysis every few hours of what grows).
"""

import json
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np

from kaizen_worker.helpdesk import Subject, load_turns
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.findings import findings
from kaizen_worker.pipeline.gaps import find_gaps
from kaizen_worker.simulate.judgement import Judge
from kaizen_worker.simulate.planted_log import draw
from kaizen_worker.simulate.planting import SHOWING, mixed, plant

START = datetime(2025, 3, 3, tzinfo=UTC)
TOPICS, WORDINGS = 50, 40
REPORTED = 0.7
EVERY = timedelta(hours=4)
ONSET = timedelta(days=3.5)
NO_ONSET = {"unserved topic"}
"""Its documents are what they are from the first interaction on, so no delay can be told."""


def subjects(data):
    """Labels with enough wordings of mixed kinds; a text of two labels is in neither."""
    labels = defaultdict(set)
    for line in (data / "clinc150.jsonl").read_text().splitlines():
        row = json.loads(line)
        labels[row["text"]].add(row["label"])
    texts = defaultdict(list)
    for text in sorted(labels):
        if len(labels[text]) == 1:
            texts[min(labels[text])].append(text)
    return [
        Subject(label, label, label, (label,), tuple(own), ())
        for label, own in sorted(texts.items())
        if len(mixed(own)) >= WORDINGS
    ]


def clustered(seen, asked):
    weights = np.bincount(seen.text, minlength=len(seen.texts))[asked]
    return cluster(seen.vectors[asked], [seen.texts[i] for i in asked], weights=weights, seed=0)


class Bench:
    def __init__(self, data, vectors, texts):
        self.subjects = subjects(data)
        self.vectors = np.load(vectors)
        self.place = {text: row for row, text in enumerate(json.loads(texts.read_text()))}

    def embed(self, texts):
        return self.vectors[[self.place[text] for text in texts]]

    def log(self, seed, *, faults, onset=None):
        chosen = Random(f"{seed}/subjects").sample(self.subjects, TOPICS)
        return draw(plant(chosen, load_turns(), start=START, seed=seed, faults=faults, onset=onset))

    def said(self, log, *, labels=None, until=None):
        sample = log.sample(log.seen(self.embed, until=until), labels=labels)
        return findings(sample, gaps=find_gaps(sample)), Judge(log)

    def once(self, seed, faults, labels):
        log = self.log(seed, faults=faults)
        insights, judge = self.said(log, labels=labels)
        reported = [insight for insight in insights if insight.confidence >= REPORTED]
        return {
            "interactions": len(log.records),
            "insights": [(one.type, one.subject, one.confidence, judge.true(one)) for one in insights],
            "faults": [
                (one.kind.name, one.fault.size, log.touched[one], judge.promised(one), judge.found(reported, one))
                for one in log.planting.planted
            ],
        }

    def onsets(self, seed):
        log, delays = self.log(seed, faults=SHOWING, onset=START + ONSET), {}
        strong = [one for one in log.planting.planted if one.strong and one.kind.name not in NO_ONSET]
        end, at = log.planting.scenario.end, START + timedelta(days=1)
        while at <= end:
            pending = [one for one in strong if one.fault.onset < at and one not in delays]
            reported = self.told_by(log, at) if pending else []
            for one in pending:
                if Judge(log).found(reported, one):
                    delays[one] = (at - one.fault.onset) / timedelta(hours=1)
            at += EVERY
        return {"delays": [(one.kind.name, Judge(log).promised(one), delays.get(one)) for one in strong]}

    def told_by(self, log, at):
        """What is reported at a time, without the gaps, which name no fault that has an onset."""
        sample = log.sample(log.seen(self.embed, until=round(at.timestamp() * 1e6)))
        return [one for one in findings(sample) if one.confidence >= REPORTED]


def main(*arguments):
    folder, data, vectors, texts = map(Path, arguments[:4])
    mode, *numbers = arguments[4:]
    bench = Bench(data, vectors, texts)
    for seed in range(*map(int, numbers)):
        for faults in (SHOWING,) if mode == "onset" else (SHOWING, 0):
            file = folder / f"{mode}-{'planted' if faults else 'clean'}-{seed}.json"
            if file.exists():
                continue
            labels = clustered if mode == "whole" else None
            told = bench.onsets(seed) if mode == "onset" else bench.once(seed, faults, labels)
            file.with_suffix(".part").write_text(json.dumps(told))
            file.with_suffix(".part").replace(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
