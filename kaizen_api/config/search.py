"""What the settings of search sources may be, and what each source needs besides its name."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)

from kaizen_api.config.embedders import EndpointUrl
from kaizen_api.config.kinds import HeaderText

SourceName = Literal[
    "folder",
    "mediawiki",
    "searxng",
    "kiwix",
    "arxiv",
    "openalex",
    "semantic_scholar",
    "meilisearch",
    "opensearch",
    "brave",
    "tavily",
    "mcp",
]

_NEEDED = {
    "searxng": ("url",),
    "kiwix": ("url",),
    "meilisearch": ("url", "index"),
    "opensearch": ("url", "index"),
    "brave": ("key",),
    "tavily": ("key",),
    "openalex": ("key",),
    "mcp": ("url", "index"),
}
_ENDPOINT: TypeAdapter[str | None] = TypeAdapter(EndpointUrl | None)
_LONGEST_CONTACT = 200
_INDEX = r"^[A-Za-z0-9_.-]+$"


def _server(url: Any) -> Any:
    try:
        return _ENDPOINT.validate_python(url)
    except ValidationError:
        raise ValueError("is no address of a server: give it like https://host/path, a key in `key`") from None


class SourceSettings(BaseModel):
    """One source that is a server."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: Annotated[str | None, BeforeValidator(_server)] = None
    """Its address; absent: the public one. What stands here may be on a private network."""
    key: HeaderText | None = None
    """Sent as the source wants it, of opensearch `USER:PASSWORD`; absent: none is."""
    index: str | None = Field(None, pattern=_INDEX, max_length=200)
    """Of meilisearch and opensearch the index, of kiwix the book, of mcp the tool."""
    trust: float | None = Field(None, ge=0, le=1)
    """How far its passages are believed; absent: what the source is usually worth."""
    per_minute: float | None = Field(None, gt=0, le=60_000)
    """Requests a minute over all workers, at most; absent: what the source allows."""


def _split(sources: Any) -> Any:
    return [name.strip() for name in sources.split(",")] if isinstance(sources, str) else sources


Sources = Annotated[list[SourceName], BeforeValidator(_split)]
Services = dict[SourceName, SourceSettings]


def _contact(contact: str) -> str:
    page = re.fullmatch(r"https?://[!-'*-~]+", contact)
    if len(contact) > _LONGEST_CONTACT or not (page or re.fullmatch(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+", contact)):
        raise ValueError("must be a mail address like kaizen@example.org, or the address of a web page")
    return contact


Contact = Annotated[str, AfterValidator(_contact)]


def check_services(services: Services, others: ValidationInfo) -> Services:
    """The settings of the sources, if they have what those that are wanted need.

    Raises:
        ValueError: one lacks something.
    """
    for name in others.data.get("search_sources") or ():
        given = services.get(name, SourceSettings())
        for part in _NEEDED.get(name, ()):
            if getattr(given, part) is None:
                raise ValueError(f"has no {part} of {name}, which is in search_sources: set {variable(name, part)}")
    return services


def variable(name: str, part: str) -> str:
    """The variable that sets a part of a source's settings."""
    return f"KAIZEN_SEARCH__{name}__{part}".upper()
