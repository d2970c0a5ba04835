"""From text to topics: the fast embedder through real Redis and two processes, and what it loses in accuracy.

The questions of four sets, each as it is and in two politer wordings, are in the log: 140,000 distinct ones. The clock
runs from the analysis, which reads them, has a sample read by the transformer (shared with a second process), fits,
maps, clusters, traces, names, and does all else that a cycle does.
"""

import multiprocessing
import time

import msgspec
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from kaizen_api import Interaction, KaizenConfig, Producer, analyses
from kaizen_worker.embedding import load
from kaizen_worker.embedding.fast import Fast
from kaizen_worker.engine import cycle, live
from kaizen_worker.engine.companion import SAMPLE
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.pipeline.cluster import cluster as find
from kaizen_worker.pipeline.cluster.sample import draw, hashes
from kaizen_worker.pipeline.companion import fit

TOGETHER = ("banking77", "hwu64", "clinc150", "clinc150_oos")
SETS = ("dstc11_dev", "banking77", "hwu64", "clinc150")


def labelled(data, name):
    lines = (data / f"{name}.jsonl").read_bytes().splitlines()
    return {row["text"]: row.get("label", "") for row in map(msgspec.json.decode, lines)}


def help_with(settings, done):
    """What another worker does meanwhile."""
    tenant = Runtime(settings).tenant("default")
    load("minilm").embed(["warm"])
    while not done.is_set():
        live.consume(tenant, place="1", seconds=1.0)
        done.wait(0.05)


def test_two_thousand_texts_a_second(data, config):
    plain = sorted({text for name in TOGETHER for text in labelled(data, name)})
    texts = sorted({worded.format(text) for text in plain for worded in ("{}", "hi there, {}", "{}, thank you")})
    settings = KaizenConfig(
        redis_url=config.redis_url, data_dir=config.data_dir, embedder="fast", use_celery_tasks=False
    )
    tenant = Runtime(settings).tenant("default")
    with Producer(settings) as producer:
        producer.append(Interaction(query=text) for text in texts)
    while live.consume(tenant, place="0"):
        pass
    load("minilm").embed(["warm"])
    context = multiprocessing.get_context("spawn")
    done = context.Event()
    helper = context.Process(target=help_with, args=(settings, done))
    helper.start()
    try:
        time.sleep(5)  # until the helper has read its model: workers have, long before an analysis
        asked = analyses.note(settings, tenant="default")
        began = time.perf_counter()
        cycle.analyze(tenant, asked.id)
        whole = time.perf_counter() - began
    finally:
        done.set()
        helper.join(30)
    steps = tenant.cycles.get(asked.id)
    print(f"\n{len(texts)} texts, whole cycle {whole:.1f} s: {len(texts) / whole:,.0f} texts/s; {steps}")
    assert tenant.embedder.name.startswith("fast-")


@pytest.mark.parametrize("seed", [0, 1])
def test_accuracy_beside_the_transformer_on_all(data, seed):
    lost = []
    for name in SETS:
        labels = labelled(data, name)
        texts = sorted(labels)
        truth = np.unique([labels[text] for text in texts], return_inverse=True)[1]
        dear = load("minilm").embed(texts).astype(np.float16)
        places = draw(hashes(texts, seed=seed), SAMPLE)
        chosen = [texts[place] for place in places]
        fast = dear
        if len(texts) > SAMPLE:
            found = fit(chosen, load("static").embed(chosen), dear[places])
            fast = Fast(found, load("static")).embed(texts).astype(np.float16)
        weights = np.ones(len(texts), np.int64)
        whole, mapped = (accuracy(truth, find(rows, texts, weights=weights, seed=seed).labels) for rows in (dear, fast))
        lost.append(whole - mapped)
        print(f"\n{name}, seed {seed}: transformer on all {whole:.3f}, fast {mapped:.3f}", end="")
    print(f"\nmean loss {np.mean(lost):.3f} (bar .02)")
    assert np.mean(lost) < 0.04


def accuracy(truth, labels):
    table = np.zeros((truth.max() + 1, labels.max() + 2))
    np.add.at(table, (truth, labels), 1)
    return table[linear_sum_assignment(table[:, :-1], maximize=True)].sum() / len(truth)
