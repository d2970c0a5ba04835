import re
from dataclasses import replace

import numpy as np
import pytest

from kaizen_worker.knowledge.making import Document, from_document
from kaizen_worker.pipeline.gaps import find_gaps, gap_id
from kaizen_worker.pipeline.gaps.coverage import answerable
from kaizen_worker.pipeline.gaps.unserved import coverage
from kaizen_worker.types import Served

REFUSED = "I'm sorry, but I don't have information about that."
UNCLEAR = "Could you please clarify what you mean?"


def _served(sample, lacking=(), cosine=0.7):
    """Everything is covered well, but for these topics."""
    window = sample.window
    topic = np.full(len(window.texts), -1)
    topic[window.text] = sample.topic
    there = ~np.isin(topic, [sample.topic_ids.index(f"t-{name}") for name in lacking])
    noise = np.random.default_rng(0).normal(0, 0.05, (4, len(topic)))
    columns = [np.where(there, full, none) for full, none in ((0.55, 0.2), (0.9, 0.3), (cosine, 0.3), (0.35, 0.05))]
    return Served(*(np.clip(column + jitter, 0, 1) for column, jitter in zip(columns, noise, strict=True)))


def _gaps(world, lacking=(), **options):
    sample = world.sample()
    return find_gaps(sample, _served(sample, lacking, **options))


def test_a_served_world_has_no_gaps(world):
    found = [seed for seed in range(30) if find_gaps(world(seed).sample()) or _gaps(world(seed))]
    assert len(found) <= 1


@pytest.mark.parametrize(
    "fault",
    [
        lambda world: world.change("payroll", share=0.8, response=REFUSED),
        lambda world: world.change("payroll", share=0.7, feedback=-1.0),
        lambda world: world.follow("payroll", "no, that's not what I asked", share=0.6),
        lambda world: world.follow("payroll", "let me talk to a human", share=0.6),
        lambda world: world.change("payroll", share=0.6, error="no_match"),
    ],
    ids=["refusal", "feedback", "negation", "escalation", "no-match"],
)
def test_signs_alone_show_a_gap_where_there_is_no_knowledge_base(world, fault):
    (found,) = find_gaps(fault(world(1)).sample())
    assert found.topic == "t-payroll"
    assert found.id == gap_id("t-payroll")
    assert re.fullmatch("g[0-9a-f]{16}", found.id)
    assert found.diagnosis == "missing"
    assert found.deficit_interval.low > 0.1
    assert found.deficit_interval.low < found.deficit < found.deficit_interval.high
    assert found.users > 20
    assert found.coverage == 0.0


def _citing(world):
    """The assistant answers from this knowledge base, and says so."""
    return world.change(entry_ids=["e1"])


def test_an_assistant_with_knowledge_of_its_own_lacks_nothing_that_it_answers(world):
    assert _gaps(world(1), ["violin", "camera"]) == []
    rarely = world(1).change(share=0.03, entry_ids=["e1"])
    assert _gaps(rarely, ["violin", "camera"]) == []


def test_where_no_answer_is_known_the_knowledge_base_tells(world):
    found = _gaps(world(1).change(response=None), ["violin", "camera"])
    assert {gap.topic for gap in found} == {"t-violin", "t-camera"}


def test_what_the_knowledge_base_lacks_is_a_gap_before_anyone_complains(world):
    found = _gaps(_citing(world(1)), ["violin", "camera"])
    assert {gap.topic for gap in found} == {"t-violin", "t-camera"}
    assert {gap.diagnosis for gap in found} == {"missing"}
    assert all(gap.coverage < 0.3 for gap in found)


def test_half_of_the_topics_missing_does_not_hide_them(world):
    lacking = ["violin", "camera", "garden", "weather"]
    assert {gap.topic for gap in _gaps(_citing(world(1)), lacking)} == {f"t-{name}" for name in lacking}


def test_all_topics_missing_are_all_gaps(world):
    sample = _citing(world(1)).sample()
    assert (
        len(
            find_gaps(
                sample,
                _served(sample, ["baking", "bicycle", "camera", "garden", "harbour", "payroll", "violin", "weather"]),
            )
        )
        == 8
    )


def test_content_users_are_served_whatever_the_knowledge_base_holds(world):
    assert _gaps(world(1).change("violin", feedback=1.0), ["violin"]) == []


def test_errors_of_the_service_are_no_gap(world):
    assert find_gaps(world(1).change("payroll", error="timeout").sample()) == []


def test_covered_and_refused_is_a_retrieval_miss(world):
    (found,) = _gaps(world(1).change("payroll", share=0.8, response=REFUSED))
    assert found.diagnosis == "retrieval_miss"
    assert found.coverage > 0.6


def test_asking_back_is_unclear(world):
    asking = (
        world(1).change("payroll", share=0.9, response=UNCLEAR).follow("payroll", "let me talk to a human", share=0.3)
    )
    (found,) = find_gaps(asking.sample())
    assert found.diagnosis == "unclear"


def test_asking_back_is_a_gap_though_it_is_hardly_a_failure(world):
    sample = world(1).change("payroll", share=0.5, response=UNCLEAR).sample()
    rows = sample.topic == sample.topic_ids.index("t-payroll")
    assert sample.signals.failure[rows].mean() < 0.3
    (found,) = find_gaps(sample)
    assert found.diagnosis == "unclear"
    asked_back = dict(zip(sample.window.ids, sample.signals.flags["clarification"].tolist(), strict=True))
    assert all(asked_back[one] for one in found.evidence)
    assert found.deficit == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("entries", "diagnosis"), [(["e1"], "stale"), (["e1", "e2"], "contradictory")])
def test_entries_that_were_used_and_rejected_are_to_blame(world, entries, diagnosis):
    used = world(1).change("payroll", entry_ids=entries).follow("payroll", "that is wrong", share=0.7)
    assert [gap.diagnosis for gap in _gaps(used)] == [diagnosis]
    assert [gap.diagnosis for gap in find_gaps(used.sample())] == [diagnosis]


def test_entries_that_do_not_cover_it_are_not_to_blame(world):
    used = world(1).change("payroll", entry_ids=["e1"]).follow("payroll", "that is wrong", share=0.7)
    assert [gap.diagnosis for gap in _gaps(used, ["payroll"])] == ["missing"]


def _aside(sample, name):
    """The topic's vectors point where no other text does."""
    vectors = sample.window.vectors.astype(np.float64)
    axis = np.zeros(vectors.shape[1])
    axis[0] = 1.0
    common = np.roll(axis, 1)
    texts = np.unique(sample.window.text[sample.topic == sample.topic_ids.index(f"t-{name}")])
    vectors = 0.5 * vectors + common
    vectors[texts] += 20 * axis - common
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return replace(sample, window=replace(sample.window, vectors=vectors.astype(np.float32)))


def test_far_from_everything_is_out_of_scope(world):
    sample = _aside(world(1).change("payroll", share=0.8, response=REFUSED).sample(), "payroll")
    assert [gap.diagnosis for gap in find_gaps(sample)] == ["out_of_scope"]
    assert [gap.diagnosis for gap in find_gaps(sample, _served(sample, ["payroll"]))] == ["out_of_scope"]


def test_near_to_some_entry_is_in_scope(world):
    sample = _aside(world(1).change("payroll", share=0.8, response=REFUSED).sample(), "payroll")
    served = replace(_served(sample, ["payroll"]), cosine=np.full(len(sample.window.texts), 0.7))
    assert "out_of_scope" not in {gap.diagnosis for gap in find_gaps(sample, served)}


def test_entries_that_were_used_and_refused_were_not_found(world):
    used = world(1).change("payroll", entry_ids=["e1"], response=REFUSED)
    assert [gap.diagnosis for gap in _gaps(used)] == ["retrieval_miss"]


def test_a_topic_of_two_people_is_no_gap(world):
    def theirs(record):
        return record.user in {"u3", "u5"}

    two = world(1, sessions=1000, users=20)
    two = two.turn("", "camera", where=lambda record: not theirs(record)).turn("", "violin", where=theirs)
    angry = two.change("violin", feedback=-1.0)
    assert len(angry.chosen("violin")) > 100
    assert find_gaps(angry.sample()) == []


def test_one_person_who_asks_most_of_it_is_no_gap(world):
    def theirs(record):
        return record.user == "u7"

    busy = (
        world(1, sessions=1000, users=25).turn("", "violin", where=theirs).change("violin", where=theirs, feedback=-1.0)
    )
    busy = busy.turn("violin", "camera", share=0.6, where=lambda record: not theirs(record))
    also = busy.change("violin", share=0.1, feedback=-1.0)
    unhappy = [record for record in also.chosen("violin") if record.feedback == -1.0]
    assert len(unhappy) > 0.4 * len(also.chosen("violin"))
    assert len({record.user for record in unhappy}) >= 3
    assert find_gaps(also.sample()) == []


def test_two_people_make_no_gap(world):
    few = world(1, users=40)
    angry = few.change("payroll", feedback=-1.0, where=lambda record: record.user in {"u3", "u5"})
    assert [record for record in angry.records if record.feedback == -1.0]
    assert find_gaps(angry.sample()) == []


def test_more_people_and_a_greater_deficit_come_first(world):
    broken = world(1).change("payroll", share=0.9, response=REFUSED).change("violin", share=0.6, response=REFUSED)
    found = find_gaps(broken.sample())
    assert [gap.topic for gap in found] == ["t-payroll", "t-violin"]
    assert found[0].users * found[0].deficit > found[1].users * found[1].deficit


def test_evidence_is_the_worst_of_different_people(world):
    broken = world(1).change("payroll", share=0.5, response=REFUSED)
    (found,) = find_gaps(broken.sample())
    cases = {record.id: record for record in broken.records}
    assert len(found.evidence) == 20
    assert {cases[one].response for one in found.evidence} == {REFUSED}
    assert len({cases[one].user for one in found.evidence}) == 20


def test_queries_name_the_topic_in_words_of_several_people(world):
    (found,) = find_gaps(world(1).change("payroll", share=0.8, response=REFUSED).sample())
    jargon = {"salary", "overtime", "payslip", "deduction", "pension", "bonus", "taxcode", "backpay"}
    assert set(found.queries[-1].split()) <= jargon
    assert all(jargon & set(query.split()) for query in found.queries)


def test_the_order_of_the_records_does_not_matter(world):
    broken = world(1).change("payroll", share=0.8, response=REFUSED)
    assert find_gaps(broken.sample()) == find_gaps(replace(broken, records=broken.records[::-1]).sample())


def _rejected(world, texts):
    """The gap of answers that quote two entries with these texts, and that users reject."""
    entries = {f"e{place}": from_document(Document(text=text), at=1) for place, text in enumerate(texts)}
    used = world(1).change(entry_ids=["e0", "e1"]).follow("payroll", "that is wrong", share=0.7)
    sample = used.sample()
    (found,) = find_gaps(sample, _served(sample), entries)
    return found


def test_entries_that_disagree_are_contradictory_though_all_answers_use_several(world):
    salary = "The salary is paid on day 25 of each month to the account that you named"
    assert _rejected(world, [salary, salary.replace("25", "28")]).diagnosis == "contradictory"
    assert _rejected(world, [salary, salary.replace("each", "every")]).diagnosis == "stale"


def test_where_short_entries_match_less_what_does_well_is_covered(world):
    """The same doubtful match of all topics: here answers from it go well, so it is what is usual."""
    sample = _citing(world(1)).sample()
    doubtful = Served(*(np.full(len(sample.window.texts), value) for value in (0.3, 0.5, 0.6, 0.1)))
    assert 0.3 < answerable(doubtful)[0] < 0.5
    assert (coverage(sample, doubtful) > 0.5).all()
    assert find_gaps(sample, doubtful) == []
    silent = replace(sample, window=replace(sample.window, entry_ids=((),) * len(sample.window)))
    assert (coverage(silent, doubtful) < 0.5).all()
