from dataclasses import replace

import numpy as np

from kaizen_api.schema import Record
from kaizen_worker.pipeline.gaps.terms import QUERIES, askers, frequencies, queries, words


def _sample(world, build, asked, **columns):
    """A sample whose first topic is what these people asked: (person, query)."""
    records = [
        Record(id=f"q{place:03d}", occurred_at=place, query=query, **{name: of(who) for name, of in columns.items()})
        for place, (who, query) in enumerate(asked)
    ]
    window = build(records)
    return replace(world(0, sessions=5).sample(), window=window), np.arange(len(window))


def _queries(world, build, asked, others=(), **columns):
    sample, rows = _sample(world, build, [*asked, *others], **columns)
    return queries(sample, rows[: len(asked)], frequencies(sample.window.texts))


USER = {"user": lambda who: f"user-{who}"}
OTHERS = [(100 + place, f"what is the weather in town {place}") for place in range(40)]
ASKED = [
    (1, "How do I renew the parking permit of Mr Zapfenstreich?"),
    (2, "renew my parking permit for plate XK-4711"),
    (3, "where to renew a parking permit"),
    (4, "parking permit renewal, how do I do it"),
]


def test_queries_are_made_of_shared_words(world, build):
    found = _queries(world, build, ASKED, OTHERS, **USER)
    assert set(found[-1].split()[:3]) == {"parking", "permit", "renew"}
    assert 1 < len(found) <= QUERIES
    assert len(set(found)) == len(found)
    assert "how do i renew the parking permit of" in found or "how do i renew parking permit" in found


def test_a_word_of_one_user_never_leaves_however_often_it_is_said(world, build):
    asked = [*ASKED, *[(1, f"zapfenstreich permit renew parking number {place}") for place in range(30)]]
    said = " ".join(_queries(world, build, asked, OTHERS, **USER)).split()
    assert said
    assert not {"zapfenstreich", "mr", "xk", "4711", "number"} & set(said)


def test_sessions_and_then_rows_stand_in_for_users(world, build):
    by_session = {"session": lambda who: f"s-{who}", "user": lambda _: "the only one"}
    said = " ".join(_queries(world, build, ASKED, OTHERS, **by_session)).split()
    assert {"parking", "permit"} <= set(said)
    assert "zapfenstreich" not in said
    alone = {"user": lambda _: "the only one"}
    said = " ".join(_queries(world, build, [*ASKED, (9, "Mr Zapfenstreich again")], OTHERS, **alone)).split()
    assert {"parking", "permit", "zapfenstreich"} <= set(said)


def test_people_who_share_nothing_give_no_query(world, build):
    asked = [(1, "alpha beta"), (2, "gamma delta"), (3, "epsilon zeta")]
    assert _queries(world, build, asked, OTHERS, **USER) == []


def test_common_words_alone_are_no_query(world, build):
    asked = [(1, "what is the alpha"), (2, "what is the beta"), (3, "what is the gamma")]
    others = [(100 + place, f"what is the weather {place} {place}") for place in range(40)]
    assert _queries(world, build, asked, others, **USER) == []


def test_askers_are_the_first_thing_that_differs(build):
    def of(**columns):
        rows = [
            Record(id=f"{row}", occurred_at=row, query="q", **{n: f(row) for n, f in columns.items()})
            for row in range(6)
        ]
        return len(np.unique(askers(build(rows))))

    assert of(user=lambda row: f"u{row % 3}", session=lambda row: f"s{row}") == 3
    assert of(user=lambda _: "u", session=lambda row: f"s{row % 2}") == 2
    assert of(user=lambda _: "u") == 6


def test_words_keep_apostrophes_inside():
    assert words("Don't panic, it's 42!") == ["don't", "panic", "it's", "42"]
