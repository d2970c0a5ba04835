"""KaizenConfig: every setting with its range, and the only reader of the environment.

The first that has a value wins: keyword arguments, `KAIZEN_…` variables (or `KAIZEN_…_FILE`, a file with the value),
`.env`, the file that `KAIZEN_CONFIG_FILE` names (TOML or JSON), the default. Whatever is wrong is reported at once: one
error lists every setting that is out of range, with its value and its range.
"""

import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from kaizen_api.config.embedders import EmbedderName, EndpointUrl, check_needed
from kaizen_api.config.hosts import is_loopback
from kaizen_api.config.kinds import (
    AbsolutePath,
    BrokerUrl,
    ChatUrl,
    HeaderText,
    Host,
    Key,
    ModelName,
    Password,
    PlaceUrl,
    Port,
    RedisUrl,
    TenantName,
    TimeZone,
    UrlPrefix,
    model_with_url,
)
from kaizen_api.config.problems import explain, mask_setting
from kaizen_api.config.search import Contact, Services, Sources, check_services
from kaizen_api.config.sources import (
    PREFIX,
    DotEnv,
    Environment,
    configured_file,
    current_names,
    flat,
    plain,
)
from kaizen_api.config.thresholds import PerformanceThreshold
from kaizen_api.errors import InvalidConfig

_SHORT_INTERVAL = 300


class KaizenConfig(BaseSettings):
    """All settings. Immutable; build it once per process and hand it down.

    Raises:
        InvalidConfig: lists every setting that is wrong, with its value and its range.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    data_dir: AbsolutePath = Path("~/.local/share/kaizen")
    """What `kaizen up` keeps: the server's files, Flower's memory and password, archives."""
    analysis_interval: int = Field(3600, ge=60, le=86400)
    """Seconds between cycles; under 300 warns."""
    min_data_points: int = Field(10, ge=1, le=1000)
    """Fewer interactions: the cycle reports `insufficient_data`."""
    enable_auto_apply: bool = False
    """Apply insights whose confidence reaches `auto_apply_threshold`."""
    enable_clustering: bool = True
    """Off: no topics, only findings over all."""
    enable_gap_fill: bool = True
    """Off: gaps are found and never searched for."""
    use_celery_tasks: bool = True
    """Off: the cycle runs in the calling process, with the same results."""
    max_insights_stored: int = Field(10_000, ge=100, le=100_000)
    """Beyond it the oldest insights are archived: settled, then proposed, then dismissed; never applied ones."""
    max_insights_per_cycle: int = Field(5, ge=1, le=50)
    """The strongest first."""
    max_interactions_per_cycle: int = Field(2_000_000, ge=1_000, le=100_000_000)
    """The newest that one analysis looks at, by `occurred_at`; a million take about 1 GB of memory."""
    max_metric_items: int = Field(10_000, ge=1_000, le=100_000)
    """Recent interactions behind the gauges."""
    confidence_threshold: float = Field(0.7, ge=0, le=1)
    """Findings below it are not reported."""
    auto_apply_threshold: float = Field(0.9, ge=0.7, le=1)
    """Confidence from which an insight may be applied without a person."""
    knowledge_base_path: AbsolutePath = Field(default_factory=lambda fields: fields["data_dir"] / "knowledge")
    """Folder of the knowledge base's archives."""
    metrics_retention_days: int = Field(7, ge=1, le=365)
    """How long interactions and vectors are kept."""
    enable_kb_rotation: bool = True
    """Archive the knowledge base every day."""
    kb_rotation_keep_days: int = Field(30, ge=7, le=365)
    """How long its archives are kept; the last good one always is."""
    archives_url: PlaceUrl | None = None
    """Where archives are copied to as well, by fsspec: `s3://bucket/kaizen` (extra `kaizen[s3]`), `file:///mnt/safe`."""
    performance_threshold: PerformanceThreshold = PerformanceThreshold()
    """What counts as too slow, too faulty, too low."""
    enable_prometheus: bool = True
    """`kaizen up` starts the exporter."""
    prometheus_port: Port = 9090
    """Where the exporter listens."""
    metrics_update_interval: int = Field(30, ge=10, le=300)
    """Seconds between refreshes of the console."""
    gap_fill_max_retries: int = Field(3, ge=1, le=10)
    """Failures in a row that open a search source's breaker."""
    gap_fill_backoff_seconds: int = Field(300, ge=60, le=3600)
    """Seconds until an open breaker lets a probe through."""

    redis_url: RedisUrl | None = None
    """Redis or Valkey, by Sentinel or as a cluster too (`docs/hosts.md`); absent: the server of `kaizen up`."""
    broker_url: BrokerUrl | None = None
    """Celery's broker, no cluster; absent: `redis_url`, unless that is one, under keys of its own."""
    tenant: TenantName = "default"
    """The tenant where none is named."""
    api_keys: dict[TenantName, Key] = Field(default_factory=dict)
    """HTTP keys, one a tenant. Empty: loopback only, and everyone is `tenant`."""
    user_key: SecretStr | None = None
    """Secret of the keyed hash of user ids; absent: drawn once and kept in Redis."""
    api_host: Host = "127.0.0.1"
    """Address of the HTTP API; other than loopback needs `api_keys`."""
    api_port: Port = 8080
    """Where the HTTP API listens."""
    api_url: EndpointUrl | None = None
    """Where `Producer.knowledge` asks, like `https://kaizen.example`; absent: at `api_host` and `api_port`."""
    api_key: Key | None = None
    """The key that it sends there; absent: that of its tenant in `api_keys`, if any."""
    flower_port: Port = 5555
    """Where Flower listens."""
    flower_password: Password | None = None
    """Of its user `kaizen`; absent: drawn once and kept in `data_dir`, in the file `flower-password`."""
    flower_prefix: UrlPrefix = ""
    """Path under which a proxy serves it, like `/flower`."""
    workers: int = Field(2, ge=1, le=64)
    """Worker processes."""
    live_false_alarms: float = Field(0.1, ge=0.001, le=10)
    """False alarms a week that live patterns may raise, at most, over all tests and tenants together."""
    seed: int = Field(0, ge=0, le=2**32 - 1)
    """Of everything that draws: clustering, hold-outs, simulation."""
    embedder: EmbedderName = "minilm"
    """What turns texts into vectors, see `docs/embedders.md`: three come along, the others are extras."""
    embedder_model: str | None = None
    """Of `model2vec` and `sentence-transformers` the folder of a saved model, of `openai` the model's id."""
    embedder_url: EndpointUrl | None = None
    """Of `openai`: the address that `/embeddings` is added to, like `http://127.0.0.1:8000/v1`."""
    embedder_key: Key | None = None
    """Of `openai`: sent as a bearer token; absent: none is."""
    embedder_dimensions: int | None = Field(None, ge=1, le=16_384)
    """Of `openai`: how long a vector to ask for; absent: the model's own length."""
    cluster_backend: Literal["auto", "numpy", "torch", "cuml"] = "auto"
    """Where clustering and assignment run. `auto`: on a CUDA device where PyTorch or CuPy has one, else by numpy."""
    batch_size: int = Field(500, ge=1, le=5_000)
    """Interactions in one commit."""
    max_deliveries: int = Field(5, ge=1, le=100)
    """Attempts at one interaction before it becomes a dead letter."""
    max_dead_letters: int = Field(10_000, ge=10, le=1_000_000)
    """Dead letters that a tenant may have, kept until a person settles them; beyond it the oldest make room."""
    claim_after: int = Field(30, ge=5, le=3600)
    """Seconds after which another worker takes over what one has read and not committed."""
    stream_max_length: int = Field(1_000_000, ge=1_000, le=100_000_000)
    """Interactions that may wait; beyond it producers get `Backpressure`."""
    stream_max_age: int = Field(86_400, ge=60, le=31_536_000)
    """Seconds the oldest of them may wait; beyond it likewise, until workers have caught up."""
    wait_replicas: int = Field(0, ge=0, le=16)
    """Replicas of Redis that must have an append before a producer answers for it."""
    appendfsync: Literal["everysec", "always"] = "everysec"
    """Of the server of `kaizen up`: a power loss costs a second at most, or nothing, and writes wait for the disk."""
    spool_dir: AbsolutePath | None = None
    """Folder where what is pushed waits for Redis; absent: memory. Set `user_key` too, to start while Redis is away."""
    spool_bytes: int = Field(1_000_000_000, ge=1_000_000, le=1_000_000_000_000)
    """Bytes that one producer may keep there; beyond it `Backpressure`."""
    search_sources: Sources = Field(default=["folder"])
    """Where missing knowledge is searched, in order: names with commas between them, or a list."""
    search_contact: Contact | None = None
    """Who runs this, a mail address or a web page: sent in `User-Agent`, as arXiv, OpenAlex and MediaWiki ask."""
    search: Services = Field(default={})
    """Address, key and more of each source, like `KAIZEN_SEARCH__BRAVE__KEY`: see `docs/sources.md`."""
    documents_path: AbsolutePath | None = None
    """Folder of documents (md, html, txt, pdf) that the source `folder` searches."""
    knowledge_search: Literal["hybrid", "words"] = "hybrid"
    """What finds entries: words and meaning, weighed by how far meaning tells them apart; or words alone."""
    hold_out: float = Field(0.2, ge=0, le=0.5)
    """Share of conversations that go without an applied change, to measure its effect."""
    naming_url: ChatUrl | None = None
    """OpenAI-compatible endpoint that names topics, like http://127.0.0.1:11434/v1; absent: phrases do."""
    naming_model: ModelName | None = Field(None, validate_default=True)
    """The model that it is asked for."""
    naming_key: HeaderText | None = None
    """Its key, sent as a bearer token."""
    timezone: TimeZone = "UTC"
    """In which the daily rotation is timed, unless `kaizen schedule` names another."""
    log_format: Literal["text", "json"] = "text"
    """What the processes log: lines for people, or one JSON object a line."""

    @field_validator("api_host")
    @classmethod
    def _closed_without_keys(cls, host: str, others: ValidationInfo) -> str:
        """Refuses here, not in a command, so that no way of starting serves everybody; wrong keys are told of alone."""
        if others.data.get("api_keys") == {} and not is_loopback(host):
            raise ValueError(
                "anybody who reaches this address would be served, as KAIZEN_API_KEYS is empty: "
                "set a key for each tenant, or leave the address at 127.0.0.1"
            )
        return host

    _model_with_url = field_validator("naming_model")(model_with_url)

    _services_that_are_wanted = field_validator("search")(check_services)

    @field_validator("embedder_model", "embedder_url")
    @classmethod
    def _needed_by_the_embedder(cls, value: str | None, others: ValidationInfo) -> str | None:
        return check_needed(str(others.field_name), value, others.data.get("embedder"))

    @field_validator("api_port", "flower_port")
    @classmethod
    def _ports_of_their_own(cls, port: int, others: ValidationInfo) -> int:
        exporter = {"prometheus_port"} if others.data.get("enable_prometheus") else set[str]()
        for name in sorted(exporter | {"api_port"}):
            if others.data.get(name) == port:
                raise ValueError(f"is {name} (or {PREFIX}{name.upper()}) as well: give each a port of its own")
        return port

    def __init__(self, **values: Any) -> None:
        named = current_names(values)
        try:
            super().__init__(**named)
        except ValidationError as error:
            raise InvalidConfig(explain(error, type(self), named)) from None
        if self.analysis_interval < _SHORT_INTERVAL:
            short = f"under {_SHORT_INTERVAL} s a cycle may not be done before the next begins"
            warnings.warn(f"analysis_interval is {self.analysis_interval} s: {short}", stacklevel=2)

    @classmethod
    def from_env(cls, **overrides: Any) -> Self:
        """The configuration of this process; `overrides` win over everything else."""
        return cls(**overrides)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, `.env`, file: in this order, each with the former names put right."""
        del env_settings, dotenv_settings, file_secret_settings
        files = [source for _, source in configured_file(settings_cls)]
        return (init_settings, Environment(settings_cls), DotEnv(settings_cls), *files)

    def to_legacy_dict(self) -> dict[str, Any]:
        """Every setting as a plain value; `KaizenConfig(**d)` gives the same configuration again."""
        return {name: plain(value) for name, value in self.model_dump().items()}

    def origins(self, arguments: Collection[str] = ()) -> dict[str, tuple[str, str]]:
        """Field → (value with secrets masked, where it came from), nested fields dotted.

        Args:
            arguments: Fields that were given as keyword arguments.
        """
        layers = [
            ("argument", dict.fromkeys(arguments)),
            ("environment", dict(flat(Environment(type(self))()))),
            (".env", dict(flat(DotEnv(type(self))()))),
            *((f"file {path}", dict(flat(source()))) for path, source in configured_file(type(self))),
        ]
        return {
            name: (mask_setting(name, value), next((label for label, known in layers if name in known), "default"))
            for name, value in flat(self.model_dump())
        }

    def __repr_args__(self) -> Iterator[tuple[str, str]]:
        """Never a secret: configurations end up in logs."""
        return ((name, mask_setting(name, value)) for name, value in flat(self.model_dump()))
