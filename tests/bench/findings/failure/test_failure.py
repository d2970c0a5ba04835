"""How well the probability of failure tells failed answers from others, and how well it is calibrated.

    KAIZEN_DATA=... python -m pytest -q -s tests/bench/findings/failure

Interactions without a rating are judged. The upper bound has a rating that is never wrong on every second interaction.
"""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from kaizen_worker.pipeline.signals import signals
from kaizen_worker.types import Thresholds

SETS = ("banking77", "clinc150", "hwu64")
SEEDS = range(8)
RATINGS = {"none": 0.0, "random": 0.05, "unhappy": 0.05, "truth": 0.5}
FORM = "{:<10} {:<8} {:>8} {:>8}  {:>13} {:>8} {:>13} {:>8}"


@pytest.mark.timeout(3600)
def test_failure(converse):
    print("\n" + FORM.format("set", "ratings", "failing", "told", "AUC", "least", "ECE", "most"))
    found = {}
    for name in SETS:
        for rating, share in RATINGS.items():
            runs = [judged(converse(name, seed, rating=rating, share=share)) for seed in SEEDS]
            found[name, rating] = runs
            print(FORM.format(name, rating, *told(runs)))
    for rating in RATINGS:
        print(FORM.format("all", rating, *told([run for name in SETS for run in found[name, rating]])))
    bins([run for name in SETS for run in found[name, "random"]])
    weighed = weights(found)
    means = {
        rating: np.mean([run["score"] for name in SETS for run in found[name, rating]], axis=0) for rating in RATINGS
    }
    assert means["none"][0] > 0.8
    assert means["random"][0] > means["none"][0]
    assert means["random"][1] < 0.05 < means["none"][1] < 0.1
    assert means["unhappy"][1] < 0.05
    for rating in RATINGS:
        assert weighed["polite", rating] <= 0.01
        assert weighed["reversed", rating] <= 0.01
        assert weighed["grounded", rating] >= (0.5 if rating == "none" else 0.7)


def judged(log):
    """What one log shows: (AUC, ECE), share that fails, mean probability, both by interaction, weights."""
    marks = signals(log.window, Thresholds())
    rows = log.question & np.isnan(log.window.feedback)
    failed, likely = log.failed[rows], marks.failure[rows]
    return {
        "score": (roc_auc_score(failed, likely), error(likely, failed)),
        "rates": (failed.mean(), likely.mean()),
        "rows": (failed, likely),
        "weights": {name: critic.weight for name, critic in marks.critics.items()},
    }


def error(likely, failed, tenths=10):
    """Expected calibration error over ten bins of equal width (Naeini et al. 2015)."""
    places = np.minimum((likely * tenths).astype(int), tenths - 1)
    gaps = [abs((likely - failed)[places == place].sum()) for place in range(tenths)]
    return sum(gaps) / len(failed)


def told(runs):
    scores, rates = np.array([run["score"] for run in runs]), np.mean([run["rates"] for run in runs], axis=0)
    (auc, ece), (auc_spread, ece_spread) = scores.mean(axis=0), scores.std(axis=0, ddof=1)
    auc_told, ece_told = f"{auc:.3f} ± {auc_spread:.3f}", f"{ece:.3f} ± {ece_spread:.3f}"
    return (
        *(f"{rate:.3f}" for rate in rates),
        auc_told,
        f"{scores[:, 0].min():.3f}",
        ece_told,
        f"{scores[:, 1].max():.3f}",
    )


def bins(runs):
    """Reliability, over everything."""
    failed, likely = (np.concatenate([run["rows"][side] for run in runs]) for side in (0, 1))
    print("reliability with 5 % rated: probability told, share that failed, interactions")
    places = np.minimum((likely * 10).astype(int), 9)
    for place in range(10):
        own = places == place
        if own.any():
            print(f"  {likely[own].mean():.3f}  {failed[own].mean():.3f}  {own.sum():>7}")


def weights(found):
    """Share of the logs in which each score has a weight, by score and ratings."""
    print("share of logs in which a score counts:")
    counted = {}
    for rating in RATINGS:
        runs = [run["weights"] for name in SETS for run in found[name, rating]]
        for score in sorted(runs[0]):
            counted[score, rating] = np.mean([run[score] > 0 for run in runs])
        print(f"  {rating:<8}", ", ".join(f"{score} {counted[score, rating]:.2f}" for score in sorted(runs[0])))
    return counted
