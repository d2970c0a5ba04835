"""What is usual: above what it was, by the hour of the day, and the wider the less is known."""

import numpy as np
import pytest
from msgspec.structs import replace

from kaizen_worker.pipeline.live.baseline import SLACK
from kaizen_worker.store.detection import pack_baseline, unpack_baseline

DAY_SHARES, NIGHT_SHARES = (0.4, 0.2, 0.3), (0.6, 0.0, 0.3)


def test_limits_lie_above_what_is_usual_and_near_to_it(desk):
    for hour, shares in [(12, DAY_SHARES), (2, NIGHT_SHARES)]:
        limits = desk.usual.share_limit[hour]
        assert (limits >= 1.3 * np.array(shares)).all()
        assert (limits <= 2 * SLACK * np.maximum(shares, 0.05)).all()
    assert 0.1 * SLACK <= desk.usual.error_limit[2] <= 0.4
    assert desk.usual.error_limit[0] < desk.usual.error_limit[2]
    assert (desk.usual.slow_limit >= 0.05 * SLACK).all()
    assert desk.usual.slow_over[2] > 2 * desk.usual.slow_over[0]


def test_the_edge_of_an_hour_is_no_edge(desk):
    first, before = desk.usual.share_limit[8, 1], desk.usual.share_limit[7, 1]
    assert before == pytest.approx(first, rel=0.3)


def test_the_less_is_known_the_higher_a_limit(desk):
    few = desk.usual_of(list(desk.week(number=300)))
    assert (few.share_limit[12] > desk.usual.share_limit[12])[[0, 2]].all(), "`two` leans on its other hours"
    assert (few.error_limit > desk.usual.error_limit).all()
    assert few.new_limit > desk.usual.new_limit


def test_who_repeats_counts_once(desk):
    many = [replace(one, user="the same") if one.query.startswith("one") else one for one in desk.week()]
    assert desk.usual_of(many).share_limit[12, 0] < 0.5 * desk.usual.share_limit[12, 0]


def test_the_strongest_day_counts(desk):
    sunday = desk.MONDAY + 6 * desk.DAY
    more = [desk.record(100_000 + index, "one x", sunday + 12 * 3600 + index % 3600) for index in range(400)]
    stronger = desk.usual_of([*desk.week(), *more])
    assert stronger.share_limit[12, 0] > 1.2 * desk.usual.share_limit[12, 0]
    assert stronger.share_limit[2, 0] < 1.1 * desk.usual.share_limit[2, 0]


def test_noise_is_known_by_its_groups(desk):
    assert [text.split()[0] for text in desk.usual.known_texts] == ["noise"]
    assert 0.1 * SLACK <= desk.usual.known_limit[0] <= 0.2
    assert desk.usual.new_limit < 0.005


def test_it_comes_back_as_it_was_stored(desk):
    again = unpack_baseline(pack_baseline(desk.usual))
    assert pack_baseline(again) == pack_baseline(desk.usual)
    assert again.place == {"one": 0, "two": 1, "three": 2}
    assert again.share_limit.shape == (24, 3)


def test_a_log_without_times_errors_or_noise_has_limits_too(desk):
    plain = [desk.record(index, "one x", desk.MONDAY + index) for index in range(50)]
    usual = desk.usual_of(plain)
    assert np.isinf(usual.slow_over).all()
    assert np.isnan(usual.time).all()
    assert (usual.error_limit > 0).all()
    assert len(usual.known_texts) == 0
