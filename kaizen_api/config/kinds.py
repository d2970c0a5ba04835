"""Kinds of settings: what a value of each must look like, told by whoever refuses it."""

import re
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

from kaizen_api.config.hosts import is_host
from kaizen_api.config.urls import check_broker_url, check_chat_url, check_url

TENANT = r"[a-z0-9][a-z0-9_-]{0,62}"


def _named(path: Any) -> Any:
    if path == "":  # Path("") is the working folder, which nobody means by it
        raise ValueError("must name a folder: leave it out for the default")
    return path


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _key(key: SecretStr) -> SecretStr:
    if not key.get_secret_value().strip():
        raise ValueError("is empty: a tenant's key is a long random text")
    if not re.fullmatch(r"[!-~]+", key.get_secret_value()):
        raise ValueError("has a blank or a sign beyond ASCII, which a header cannot carry: choose another")
    return key


def _header_text(text: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", text.get_secret_value()):
        raise ValueError("is empty, or has a blank or a sign beyond ASCII, which a header cannot carry")
    return text


def _password(password: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-+\--~]{8,200}", password.get_secret_value()):
        raise ValueError("must be 8 to 200 signs of ASCII, without blanks and commas")
    return password


def _url_prefix(prefix: str) -> str:
    if prefix and not re.fullmatch(r"(/[A-Za-z0-9_-]+)+", prefix):
        raise ValueError("must be a path like /flower, or empty")
    return prefix


def _host(host: str) -> str:
    if not is_host(host):
        raise ValueError("must be an address or the name of a host, like 127.0.0.1, ::1 or localhost")
    return host


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("must be a time zone's name, like Europe/Berlin")
    return name


AbsolutePath = Annotated[Path, BeforeValidator(_named), AfterValidator(_absolute)]
RedisUrl = Annotated[str, AfterValidator(check_url)]
BrokerUrl = Annotated[str, AfterValidator(check_broker_url)]
TenantName = Annotated[str, Field(pattern=f"^{TENANT}$")]
Port = Annotated[int, Field(ge=1024, le=65535)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Key = Annotated[SecretStr, AfterValidator(_key)]
Password = Annotated[SecretStr, AfterValidator(_password)]
UrlPrefix = Annotated[str, AfterValidator(_url_prefix)]
HeaderText = Annotated[SecretStr, AfterValidator(_header_text)]
ChatUrl = Annotated[str, AfterValidator(check_chat_url)]
PlaceUrl = Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://[!-~]+$")]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
Host = Annotated[str, AfterValidator(_host)]


def model_with_url(model: str | None, others: ValidationInfo) -> str | None:
    """Refuse an endpoint for names without the name of a model that it has."""
    if model is None and others.data.get("naming_url") is not None:
        raise ValueError("is absent: naming_url needs the name of a model that is there")
    return model
