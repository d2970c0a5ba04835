from kaizen_api.lives import Point
from kaizen_api.topics import together


def points(**sizes):
    return [Point(at=int(at[1:]), size=size, failure_rate=0.5) for at, size in sizes.items()]


def test_a_series_of_several_is_their_sum():
    whole = together([points(t1=1, t2=2), points(t2=10, t3=20)])
    assert [(point.at, point.size) for point in whole] == [(1, 1), (2, 12), (3, 20)]


def test_where_one_that_lived_was_not_seen_there_is_no_point():
    assert [point.at for point in together([points(t1=1, t2=2, t3=3), points(t1=5, t3=5)])] == [1, 3]


def test_failures_weigh_by_size_and_nothing_has_none():
    mixed = together([points(t1=10), [Point(at=1, size=30, failure_rate=0.1)]])
    assert mixed == [Point(at=1, size=40, failure_rate=0.2)]
    assert together([points(t1=0)]) == [Point(at=1, size=0, failure_rate=0.0)]
    assert together([]) == []
