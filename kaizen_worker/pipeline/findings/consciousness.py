"""consciousness: the assistant's own quality score is below its threshold, overall, in one topic or with one model."""

from kaizen_worker.pipeline.findings.levels import Level, levels
from kaizen_worker.pipeline.findings.statement import Tested, basis, clearest, persons, strength
from kaizen_worker.types import Finding, Sample


def find(sample: Sample) -> Tested:
    """Compare the median and the average level with the threshold, and each topic and model with the rest.

    Levels are turned over, so that what is tested is how much is missing to 1.
    """
    limit = 1 - sample.thresholds.level
    found, hypotheses = levels(sample, 1 - sample.window.level, limit=limit, unit="level", by_model=True)
    return Tested(tuple(_say(sample, level) for level in found), hypotheses)


def _shown(missing: float) -> str:
    return f"{1 - missing:.2f}"


def _say(sample: Sample, level: Level) -> Finding:
    rows, threshold = level.group.rows, sample.thresholds.level
    low = rows[sample.window.level[rows] < threshold]
    one = level.level
    return Finding(
        type="consciousness",
        subject=level.group.subject,
        description=(
            f"The consciousness level {level.group.where} is {1 - one.estimate:.2f} ({level.measure}; 95 %: "
            f"{1 - one.high:.2f} to {1 - one.low:.2f}),{level.against(_shown)} under the limit of {threshold:.2f}: "
            f"{basis(sample, rows)}, {len(low)} of them under the limit. The effect is how much lower it is."
        ),
        recommendation=_advice(level),
        p_value=level.p_value,
        effect=level.effect,
        strength=strength((1 - (1 - one.estimate) / threshold) * len(rows) / len(sample.window)),
        evidence=clearest(sample, low, -sample.window.level[low]),
        support=len(rows),
        users=persons(sample, rows),
    )


def _advice(level: Level) -> str:
    if level.group.is_all:
        return "Check what feeds the score: a changed prompt, model or scorer lowers it everywhere at once."
    if level.group.kind == "model":
        return (
            f"Read answers of '{level.group.name}' beside those of another model: where they are worse, route its "
            "traffic there; where they are not, the score does not fit this model."
        )
    return (
        f"Read the evidence of '{level.group.name}': where the answers are poor, add knowledge or examples for this "
        "topic; where they are good, the score does not fit it and should not be used there."
    )
