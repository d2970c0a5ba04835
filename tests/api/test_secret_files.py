"""Secrets come in files: each setting can, nested ones too; what cannot be read says so and shows nothing."""

import pytest

from kaizen_api.config import KaizenConfig, unknown_variables
from kaizen_api.errors import InvalidConfig
from kaizen_api.stack import variables


@pytest.fixture
def secret(tmp_path, monkeypatch):
    """Writes a file and names it in a variable."""

    def write(variable, text, *, encoding="utf-8"):
        path = tmp_path / variable.lower()
        path.write_bytes(text.encode(encoding))
        monkeypatch.setenv(variable, str(path))
        return path

    return write


def test_a_setting_is_read_from_the_file_that_its_variable_names(secret):
    secret("KAIZEN_REDIS_URL_FILE", "redis://:p%40ss@redis:6379/0\n")
    secret("KAIZEN_API_KEYS_FILE", '{"acme": "a-long-random-text"}\r\n')
    config = KaizenConfig()
    assert config.redis_url == "redis://:p%40ss@redis:6379/0"
    assert config.api_keys["acme"].get_secret_value() == "a-long-random-text"
    assert config.origins()["redis_url"] == ("redis://:***@redis:6379/0", "environment")


def test_nested_and_former_names_and_what_stands_in_env_files_likewise(secret, tmp_path, monkeypatch):
    secret("KAIZEN_SEARCH__BRAVE__KEY_FILE", "brave-key")
    secret("KAIZEN_MAX_INSIGHTS_FILE", "123")
    (tmp_path / "key").write_text("of-the-embedder\n")
    (tmp_path / ".env").write_text(f"KAIZEN_EMBEDDER_KEY_FILE={tmp_path / 'key'}\nOTHER_FILE=/nowhere\n")
    monkeypatch.chdir(tmp_path)
    config = KaizenConfig()
    assert config.search["brave"].key.get_secret_value() == "brave-key"
    assert config.max_insights_stored == 123
    assert config.embedder_key.get_secret_value() == "of-the-embedder"


def test_the_variable_itself_wins_and_its_file_is_not_read(monkeypatch):
    monkeypatch.setenv("KAIZEN_REDIS_URL_FILE", "/nowhere/at/all")
    monkeypatch.setenv("KAIZEN_REDIS_URL", "redis://here")
    assert KaizenConfig().redis_url == "redis://here"


def test_a_process_that_is_handed_the_configuration_has_the_same(secret, monkeypatch):
    """`kaizen worker` becomes Celery with all settings as variables, and those that named files are still there."""
    secret("KAIZEN_NAMING_KEY_FILE", "sesame")
    config = KaizenConfig()
    for name, value in variables(config).items():
        monkeypatch.setenv(name, value)
    assert KaizenConfig() == config


def test_a_file_that_is_absent_empty_or_no_text_is_told_of_by_its_variable(secret, monkeypatch):
    monkeypatch.setenv("KAIZEN_USER_KEY_FILE", "/nowhere/at/all")
    with pytest.raises(InvalidConfig, match=r"KAIZEN_USER_KEY_FILE = /nowhere/at/all: cannot be read: No such file"):
        KaizenConfig()
    secret("KAIZEN_USER_KEY_FILE", "\n")
    with pytest.raises(InvalidConfig, match=r"KAIZEN_USER_KEY_FILE.*is empty"):
        KaizenConfig()
    secret("KAIZEN_USER_KEY_FILE", "geheimnüs", encoding="latin-1")
    with pytest.raises(InvalidConfig, match=r"no text in UTF-8") as told:
        KaizenConfig()
    assert "geheim" not in str(told.value)


def test_a_wrong_value_from_a_file_is_told_of_like_any_other(secret):
    secret("KAIZEN_SEED_FILE", "-1")
    with pytest.raises(InvalidConfig, match=r"KAIZEN_SEED .* = -1: must be a whole number from 0"):
        KaizenConfig()


def test_such_a_variable_is_a_setting_and_one_of_no_setting_is_none(secret):
    secret("KAIZEN_REDIS_URL_FILE", "redis://here")
    secret("KAIZEN_SEARCH__BRAVE__KEY_FILE", "brave-key")
    secret("KAIZEN_CONFIG_FILE", "")
    secret("KAIZEN_REDIS_UR_FILE", "redis://there")
    assert unknown_variables() == {"KAIZEN_REDIS_UR_FILE": "KAIZEN_REDIS_URL"}
