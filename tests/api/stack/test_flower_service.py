"""How Flower is started: on loopback, behind a password that is on no command line."""

import pytest

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import InvalidConfig
from kaizen_api.stack import flower


def login(service):
    assert not [word for word in service.argv if "auth" in word]
    return service.variables["FLOWER_BASIC_AUTH"]


def test_a_password_is_drawn_once_and_kept_for_its_user_alone(tmp_path):
    folder = tmp_path / "data"
    first = login(flower(KaizenConfig(), folder))
    user, _, password = first.partition(":")
    assert user == "kaizen"
    assert len(password) >= 20
    assert login(flower(KaizenConfig(), folder)) == first != login(flower(KaizenConfig(), tmp_path / "other"))
    assert [path.name for path in folder.iterdir()] == ["flower-password"]
    assert (folder / "flower-password").stat().st_mode & 0o777 == 0o600


def test_one_that_is_set_counts_and_nothing_is_drawn(tmp_path):
    config = KaizenConfig(flower_password="s3cret-and-long")
    assert login(flower(config, tmp_path)) == "kaizen:s3cret-and-long"
    assert list(tmp_path.iterdir()) == []
    assert "s3cret" not in repr(config)


def test_it_listens_on_loopback_unless_it_is_told_otherwise(tmp_path):
    assert "--address=127.0.0.1" in flower(KaizenConfig(), tmp_path).argv
    assert "--address=10.0.0.1" in flower(KaizenConfig(), tmp_path, host="10.0.0.1").argv


def test_behind_a_proxy_it_is_under_its_path(tmp_path):
    service = flower(KaizenConfig(flower_prefix="/watch/flower", flower_port=5656), tmp_path)
    assert "--url_prefix=/watch/flower" in service.argv
    assert service.url + service.health == "http://127.0.0.1:5656/watch/flower/healthcheck"


@pytest.mark.parametrize("password", ["", "short", "with blank", "with,comma", "pässword"])
def test_a_password_that_flower_cannot_take_is_refused_and_not_shown(password):
    with pytest.raises(InvalidConfig, match="8 to 200") as refused:
        KaizenConfig(flower_password=password)
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("prefix", ["flower", "/flower/", "//", "/a b", "/?"])
def test_a_prefix_that_is_no_path_is_refused(prefix):
    with pytest.raises(InvalidConfig, match="/flower"):
        KaizenConfig(flower_prefix=prefix)
