"""Every field with its range; every way in; one error for all that is wrong; no secret shown."""

import json
import warnings
from itertools import pairwise
from pathlib import Path

import pytest
import tomli_w
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kaizen_api.config import KaizenConfig, load_config, unknown_variables
from kaizen_api.errors import InvalidConfig

WHOLE = {
    "analysis_interval": (60, 86400),
    "min_data_points": (1, 1000),
    "max_insights_stored": (100, 100000),
    "max_insights_per_cycle": (1, 50),
    "max_interactions_per_cycle": (1000, 100000000),
    "max_metric_items": (1000, 100000),
    "metrics_retention_days": (1, 365),
    "kb_rotation_keep_days": (7, 365),
    "prometheus_port": (1024, 65535),
    "metrics_update_interval": (10, 300),
    "gap_fill_max_retries": (1, 10),
    "gap_fill_backoff_seconds": (60, 3600),
    "api_port": (1024, 65535),
    "flower_port": (1024, 65535),
    "workers": (1, 64),
    "seed": (0, 2**32 - 1),
    "batch_size": (1, 5000),
    "max_deliveries": (1, 100),
    "claim_after": (5, 3600),
    "stream_max_length": (1000, 100000000),
    "stream_max_age": (60, 31536000),
    "wait_replicas": (0, 16),
    "spool_bytes": (10**6, 10**12),
}
REAL = {"confidence_threshold": (0, 1), "auto_apply_threshold": (0.7, 1), "hold_out": (0, 0.5)}
THRESHOLDS = {"response_time": (0.1, 60), "error_rate": (0, 1), "consciousness_level": (0, 1)}
DEFAULTS = {
    "analysis_interval": 3600,
    "min_data_points": 10,
    "enable_auto_apply": False,
    "enable_clustering": True,
    "enable_gap_fill": True,
    "use_celery_tasks": True,
    "max_insights_stored": 10000,
    "max_insights_per_cycle": 5,
    "max_interactions_per_cycle": 2000000,
    "max_metric_items": 10000,
    "confidence_threshold": 0.7,
    "auto_apply_threshold": 0.9,
    "metrics_retention_days": 7,
    "enable_kb_rotation": True,
    "kb_rotation_keep_days": 30,
    "enable_prometheus": True,
    "prometheus_port": 9090,
    "metrics_update_interval": 30,
    "gap_fill_max_retries": 3,
    "gap_fill_backoff_seconds": 300,
    "performance_threshold": {"response_time": 2.0, "error_rate": 0.05, "consciousness_level": 0.4},
}
PORTS = {"api_port": 8080, "prometheus_port": 9090, "flower_port": 5555}
NAMES = [*WHOLE, *REAL, *(f"performance_threshold.{name}" for name in THRESHOLDS)]
BOUNDS = {**WHOLE, **REAL, **{f"performance_threshold.{name}": bounds for name, bounds in THRESHOLDS.items()}}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """No `.env` of the checkout is read, and a short interval may warn."""
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def arguments(name, value):
    head, _, tail = name.partition(".")
    return {head: {tail: value}} if tail else {head: value}


def look_up(config, name):
    for part in name.split("."):
        config = getattr(config, part)
    return config


def step(name):
    return 1 if name in WHOLE else 0.001


def test_the_defaults_are_those_of_the_contract():
    config = KaizenConfig().to_legacy_dict()
    assert {name: config[name] for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("name", NAMES)
def test_at_its_bounds_a_value_is_taken(name):
    for value in BOUNDS[name]:
        assert look_up(KaizenConfig(**arguments(name, value)), name) == value


@pytest.mark.parametrize("name", NAMES)
def test_beyond_its_bounds_a_value_is_refused_with_name_value_and_range(name):
    low, high = BOUNDS[name]
    for value in (low - step(name), high + step(name)):
        with pytest.raises(InvalidConfig) as refused:
            KaizenConfig(**arguments(name, value))
        told = str(refused.value)
        assert "KAIZEN_" + name.upper().replace(".", "__") in told
        assert f"= {value}:" in told
        assert f"from {low} to {high}" in told.replace(".0 ", " ").replace(".0\n", "\n") or f"from {low}" in told


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bounds_hold_for_variables(name, monkeypatch):
    low, high = BOUNDS[name]
    variable = "KAIZEN_" + name.upper().replace(".", "__")
    monkeypatch.setenv(variable, str(high))
    assert look_up(KaizenConfig.from_env(), name) == high
    monkeypatch.setenv(variable, str(low - step(name)))
    with pytest.raises(InvalidConfig, match=variable):
        KaizenConfig.from_env()


def test_everything_wrong_is_told_at_once(monkeypatch):
    monkeypatch.setenv("KAIZEN_WORKERS", "many")
    monkeypatch.setenv("KAIZEN_PERFORMANCE_THRESHOLD__ERROR_RATE", "7")
    with pytest.raises(InvalidConfig) as refused:
        KaizenConfig(analysis_interval=1, timezone="Mars/Olympus", redis_url="http://x", analysis_intervall=3)
    told = str(refused.value)
    assert told.startswith("6 wrong settings")
    for part in (
        "KAIZEN_WORKERS",
        "many",
        "KAIZEN_PERFORMANCE_THRESHOLD__ERROR_RATE",
        "KAIZEN_ANALYSIS_INTERVAL",
        "Mars/Olympus",
        "must begin with redis://",
        "did you mean analysis_interval?",
    ):
        assert part in told


def test_a_short_interval_warns():
    with pytest.warns(UserWarning, match="under 300 s"):
        KaizenConfig(analysis_interval=299)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KaizenConfig(analysis_interval=300)


SOURCES = ["argument", "environment", "dotenv", "file"]


def give(source, value, monkeypatch):
    if source == "argument":
        return {"workers": value}
    if source == "environment":
        monkeypatch.setenv("KAIZEN_WORKERS", str(value))
    elif source == "dotenv":
        Path(".env").write_text(f"OTHER=1\nKAIZEN_WORKERS={value}\n")
    else:
        Path("kaizen.toml").write_text(tomli_w.dumps({"workers": value}))
        monkeypatch.setenv("KAIZEN_CONFIG_FILE", "kaizen.toml")
    return {}


@pytest.mark.parametrize("source", SOURCES)
def test_a_value_comes_from_each_source(source, monkeypatch):
    config = KaizenConfig(**give(source, 7, monkeypatch))
    assert config.workers == 7
    value, origin = config.origins({"workers"} if source == "argument" else ())["workers"]
    assert value == "7"
    assert origin.startswith({"dotenv": ".env"}.get(source, source))


@pytest.mark.parametrize(("nearer", "farther"), list(pairwise(SOURCES)))
def test_the_nearer_source_wins(nearer, farther, monkeypatch):
    given_ = {**give(farther, 3, monkeypatch), **give(nearer, 4, monkeypatch)}
    assert KaizenConfig(**given_).workers == 4


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_a_file_is_read_by_name(suffix, monkeypatch):
    values = {"performance_threshold": {"error_rate": 0.5}, "max_insights": 200, "api_keys": {"acme": "k" * 8}}
    path = Path(f"settings.{suffix}")
    path.write_text(tomli_w.dumps(values) if suffix == "toml" else json.dumps(values))
    config = load_config(path)
    assert (config.performance_threshold.error_rate, config.max_insights_stored) == (0.5, 200)
    monkeypatch.setenv("KAIZEN_MAX_INSIGHTS_STORED", "300")
    assert load_config(path).max_insights_stored == 300


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("absent.toml", None, "cannot be read"),
        ("broken.toml", "= 3", "TOML"),
        ("broken.json", "{", "JSON"),
        ("settings.yaml", "a: 1", "ends in .toml or .json"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name, content, told):
    if content is not None:
        Path(name).write_text(content)
    with pytest.raises(InvalidConfig, match=told) as refused:
        load_config(name)
    assert name in str(refused.value)


LEGACY = [
    ("KAIZEN_USE_CELERY", "false", "use_celery_tasks", False),
    ("KAIZEN_MAX_INSIGHTS", "400", "max_insights_stored", 400),
    ("KAIZEN_KB_PATH", "kb", "knowledge_base_path", None),
    ("KAIZEN_RETENTION_DAYS", "9", "metrics_retention_days", 9),
]


@pytest.mark.parametrize(("variable", "text", "name", "value"), LEGACY)
def test_former_variables_still_work_and_current_ones_win(variable, text, name, value, monkeypatch):
    monkeypatch.setenv(variable, text)
    expected = Path.cwd() / "kb" if value is None else value
    assert getattr(KaizenConfig(), name) == expected
    assert getattr(KaizenConfig(**{variable.removeprefix("KAIZEN_").lower(): text}), name) == expected
    assert not unknown_variables()


def test_the_current_name_wins_over_the_former(monkeypatch):
    monkeypatch.setenv("KAIZEN_MAX_INSIGHTS", "400")
    monkeypatch.setenv("KAIZEN_MAX_INSIGHTS_STORED", "500")
    assert KaizenConfig().max_insights_stored == 500


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional={name: st.integers(*bounds) for name, bounds in WHOLE.items()}))
def test_the_legacy_dict_gives_the_same_configuration_again(values):
    ports = [values.get(name, default) for name, default in PORTS.items()]
    assume(len(set(ports)) == len(ports))
    config = KaizenConfig(**values, user_key="s3cret", api_keys={"acme": "k3y"}, documents_path="docs")
    assert KaizenConfig(**config.to_legacy_dict()) == config


def test_paths_are_made_absolute():
    config = KaizenConfig(data_dir="here", documents_path="~/docs")
    assert config.data_dir == Path.cwd() / "here"
    assert config.knowledge_base_path == Path.cwd() / "here" / "knowledge"
    assert config.documents_path == Path.home() / "docs"


def test_no_secret_is_shown():
    config = KaizenConfig(
        redis_url="redis://user:hunter2@h/0",
        broker_url="rediss://:hunter2@h/1",
        user_key="hunter2",
        api_keys={"a": "hunter2"},
    )
    assert "hunter2" not in repr(config) + str(config) + str(config.origins())
    with pytest.raises(InvalidConfig) as refused:
        KaizenConfig(redis_url="http://user:hunter2@h/0", api_keys={"Not A Tenant": "hunter2"}, user_key=["hunter2"])
    assert "hunter2" not in str(refused.value)


def test_a_model_that_names_topics_needs_a_place_a_name_and_a_key_that_nobody_sees():
    config = KaizenConfig(naming_url="https://models.example/v1", naming_model="small", naming_key="hunter2")
    assert KaizenConfig(**config.to_legacy_dict()) == config
    assert "hunter2" not in repr(config) + str(config) + str(config.origins())
    with pytest.raises(InvalidConfig, match="KAIZEN_NAMING_MODEL"):
        KaizenConfig(naming_url="https://models.example/v1")
    with pytest.raises(InvalidConfig) as refused:
        KaizenConfig(naming_key="hunter 2")
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "models.example",
        "ftp://h/v1",
        "https://",
        "http://u:hunter2@h/v1",
        "http://h/v1?key=k",
        "http://h:0",
        "http://h/a b",
    ],
)
def test_a_place_where_no_question_can_be_sent_is_refused(url):
    with pytest.raises(InvalidConfig, match="must be like https://HOST:PORT/v1") as refused:
        KaizenConfig(naming_url=url, naming_model="small")
    assert "hunter2" not in str(refused.value)


def test_a_misspelt_variable_is_found(monkeypatch):
    monkeypatch.setenv("KAIZEN_ANALYSIS_INTERVALL", "60")
    assert unknown_variables() == {"KAIZEN_ANALYSIS_INTERVALL": "KAIZEN_ANALYSIS_INTERVAL"}


OPEN = ["0.0.0.0", "::", "10.0.0.5", "kaizen.example", "api", "ip6-localhost", "::ffff:127.0.0.1"]


@pytest.mark.parametrize("host", OPEN)
def test_an_address_that_others_reach_needs_keys(host, monkeypatch):
    assert KaizenConfig(api_host=host, api_keys={"acme": "k"}).api_host == host
    monkeypatch.setenv("KAIZEN_API_HOST", host)
    with pytest.raises(InvalidConfig, match="KAIZEN_API_KEYS is empty: set a key") as refused:
        KaizenConfig(workers=0)
    assert "KAIZEN_API_HOST" in str(refused.value)
    assert str(refused.value).startswith("2 wrong settings")
    monkeypatch.setenv("KAIZEN_API_KEYS", '{"acme": "k"}')
    assert KaizenConfig.from_env().api_host == host


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_needs_none(host):
    assert KaizenConfig(api_host=host).api_host == host


@pytest.mark.parametrize(
    "host", ["no host", "http://localhost", "[::1]", "300.1.1.1", "1.2.3", "-a", "a..b", "a:80", ""]
)
def test_what_is_no_address_is_refused(host):
    with pytest.raises(InvalidConfig, match="must be an address or the name of a host"):
        KaizenConfig(api_host=host, api_keys={"acme": "k"})


@pytest.mark.parametrize(
    "keys",
    ["notjson-hunter2", '{"acme":hunter2}', '["hunter2"]', '"hunter2"', '{"acme": ["hunter2"]}', '{"acme": " "}'],
)
@pytest.mark.parametrize("source", ["environment", "dotenv"])
def test_wrong_keys_are_told_with_all_else_and_never_shown(keys, source, monkeypatch):
    if source == "environment":
        monkeypatch.setenv("KAIZEN_API_KEYS", keys)
    else:
        Path(".env").write_text(f"KAIZEN_API_KEYS='{keys}'\n")
    for build in (KaizenConfig, load_config):
        monkeypatch.setenv("KAIZEN_WORKERS", "0")
        with pytest.raises(InvalidConfig) as refused:
            build()
        told = str(refused.value)
        assert told.startswith("2 wrong settings")
        assert "KAIZEN_API_KEYS" in told
        assert "hunter2" not in told
        assert '{"acme": "a-long-random-text"}' in told or "KAIZEN_API_KEYS__ACME" in told


@pytest.mark.parametrize(
    ("text", "sources"),
    [("folder", ["folder"]), ('["folder"]', ["folder"]), ("folder, folder", ["folder"] * 2), ("[]", [])],
)
def test_sources_may_be_a_list_with_commas(text, sources, monkeypatch):
    monkeypatch.setenv("KAIZEN_SEARCH_SOURCES", text)
    assert KaizenConfig().search_sources == sources


def test_a_source_that_there_is_not_is_named(monkeypatch):
    monkeypatch.setenv("KAIZEN_SEARCH_SOURCES", "folder,elsewhere")
    with pytest.raises(InvalidConfig, match=r"KAIZEN_SEARCH_SOURCES .* = elsewhere: must be names .* like folder"):
        KaizenConfig()


def test_what_is_no_object_is_shown_what_one_looks_like(monkeypatch):
    monkeypatch.setenv("KAIZEN_PERFORMANCE_THRESHOLD", "fast")
    with pytest.raises(InvalidConfig, match=r"KAIZEN_PERFORMANCE_THRESHOLD .* = fast: must be a JSON object, like \{"):
        KaizenConfig()


@pytest.mark.parametrize("name", ["data_dir", "knowledge_base_path", "documents_path"])
def test_an_empty_folder_is_never_the_working_folder(name, monkeypatch):
    default = getattr(KaizenConfig(), name)
    with pytest.raises(InvalidConfig, match="must name a folder"):
        KaizenConfig(**{name: ""})
    monkeypatch.setenv(f"KAIZEN_{name.upper()}", "")
    assert getattr(KaizenConfig(), name) == default != Path.cwd()


@pytest.mark.parametrize(
    ("first", "second"),
    [("api_port", "prometheus_port"), ("api_port", "flower_port"), ("prometheus_port", "flower_port")],
)
def test_two_cannot_listen_on_one_port(first, second):
    with pytest.raises(InvalidConfig, match="give each a port of its own") as refused:
        KaizenConfig(**{first: 7000, second: 7000})
    assert f"KAIZEN_{first.upper()}" in str(refused.value)
    assert f"KAIZEN_{second.upper()}" in str(refused.value)


def test_a_port_is_free_where_no_exporter_runs():
    assert KaizenConfig(api_port=9090, enable_prometheus=False).api_port == 9090


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@[::1:6379",
        "redis://:s3cret@host:port",
        "redis://:s3cret@host:99999",
        "redis://:s3cret@host:0",
        "redis://:s3cret@host/zero",
        "redis://host/0?password=s3cret",
        "redis://host/0?socket_timeout=s3cret",
        "http://:s3cret@host",
        "redis://:s3cret/more@host:6379",
    ],
)
def test_a_url_that_no_client_can_use_is_told_without_its_password(url):
    with pytest.raises(InvalidConfig, match=r"^1 wrong setting:\n  redis_url") as told:
        KaizenConfig(redis_url=url)
    assert "s3cret" not in str(told.value).replace("socket_timeout=s3cret", "")


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://:pass@host:6379/3",
        "rediss://u:p@[::1]:6379/0?ssl_cert_reqs=required",
        "unix:///a/b.sock?db=2",
    ],
)
def test_a_url_that_a_client_can_use_is_taken(url):
    assert KaizenConfig(redis_url=url).redis_url == url


@pytest.mark.parametrize("key", ["schlüssel", "two words", "tab\tbed"])
def test_a_key_that_no_header_can_carry_is_refused(key):
    with pytest.raises(InvalidConfig, match="a header cannot carry") as told:
        KaizenConfig(api_keys={"acme": key})
    assert key not in str(told.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"embedder": "openai", "embedder_model": "m"}, "the endpoint's address"),
        ({"embedder": "openai", "embedder_url": "http://h/v1"}, "the id of a model"),
        ({"embedder": "model2vec"}, "the folder that a model was saved to"),
        ({"embedder": "sentence-transformers"}, "the folder that a model was saved to"),
        ({"embedder_url": "h/v1"}, "give it like https://host/v1"),
        ({"embedder_url": "ftp://h/v1"}, "give it like https://host/v1"),
        ({"embedder_url": "http://user:s3cret@h/v1"}, "KAIZEN_EMBEDDER_KEY"),
        ({"embedder_url": "http://h/v1?key=s3cret"}, "KAIZEN_EMBEDDER_KEY"),
        ({"embedder_url": "http://h:0/v1"}, "give it like https://host/v1"),
        ({"embedder_dimensions": 0}, "from 1 to 16384"),
        ({"embedder_key": "s3cret with a blank"}, "a header cannot carry"),
    ],
)
def test_what_an_embedder_lacks_is_said_at_once(settings, told):
    with pytest.raises(InvalidConfig, match=told) as refused:
        KaizenConfig(**settings)
    assert "1 wrong setting:" in str(refused.value)


def test_the_embedders_key_is_shown_nowhere_and_carried_on():
    config = KaizenConfig(embedder="openai", embedder_url="http://h/v1", embedder_model="m", embedder_key="s3cret")
    assert "s3cret" not in f"{config!r} {config.origins()}"
    assert KaizenConfig(**config.to_legacy_dict()).embedder_key.get_secret_value() == "s3cret"
