"""Settings of search sources: nested variables, what each needs, and keys that nobody sees."""

import pytest

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import InvalidConfig

KEY = "sk-secret-0123456789"


def test_settings_of_sources_come_as_variables(monkeypatch):
    monkeypatch.setenv("KAIZEN_SEARCH_SOURCES", "folder, semantic_scholar,brave")
    monkeypatch.setenv("KAIZEN_SEARCH__BRAVE__KEY", KEY)
    monkeypatch.setenv("KAIZEN_SEARCH__SEMANTIC_SCHOLAR__PER_MINUTE", "30")
    config = KaizenConfig()
    assert config.search_sources == ["folder", "semantic_scholar", "brave"]
    assert config.search["brave"].key.get_secret_value() == KEY
    assert config.search["semantic_scholar"].per_minute == 30
    assert config.origins()["search.brave.key"] == ("***", "environment")
    assert KEY not in f"{config!r} {config.origins()}"
    assert KaizenConfig(**config.to_legacy_dict()).search == config.search


@pytest.mark.parametrize(
    "contact",
    [
        "nobody",
        "a@b@c",
        "a@b\r\nX: y",
        "a b@c.example",
        "ftp://c.example",
        "https://c.example/) evil",
        f"{'a' * 200}@c",
    ],
)
def test_a_contact_is_an_address_and_nothing_more(contact):
    with pytest.raises(InvalidConfig, match="KAIZEN_SEARCH_CONTACT"):
        KaizenConfig(search_contact=contact)


@pytest.mark.parametrize(
    ("name", "variable"),
    [("searxng", "SEARXNG__URL"), ("brave", "BRAVE__KEY"), ("opensearch", "OPENSEARCH__URL"), ("mcp", "MCP__URL")],
)
def test_what_a_source_needs_is_named(name, variable):
    with pytest.raises(InvalidConfig, match=f"KAIZEN_SEARCH__{variable}"):
        KaizenConfig(search_sources=name)


@pytest.mark.parametrize(
    "given",
    [
        {"brave": {"key": f"{KEY} blank"}},
        {"brave": {"kee": KEY}},
        {"bravo": {"key": KEY}},
        {"brave": [KEY]},
        {"kiwix": {"url": f"http://u:{KEY}@host/"}},
        {"kiwix": {"url": "ftp://host/"}},
        {"mcp": {"index": "a/../b"}},
        {"brave": {"trust": 2}},
        {"brave": {"per_minute": 0}},
        KEY,
    ],
)
def test_what_is_wrong_is_told_without_a_key(given):
    with pytest.raises(InvalidConfig) as error:
        KaizenConfig(search=given)
    assert "KAIZEN_SEARCH" in str(error.value)
    assert KEY not in str(error.value)
    assert "EMBEDDER" not in str(error.value)
