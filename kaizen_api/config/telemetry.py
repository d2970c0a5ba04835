"""Whether traces are wanted, by OpenTelemetry's own variables, which its exporter reads by itself."""

import logging
import os
from collections.abc import Mapping
from importlib.util import find_spec

_LOG = logging.getLogger("kaizen")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN = "http/protobuf"


def traces_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment names a collector for traces, and what reaches it is installed.

    Where it is not, or where the collector is to be spoken to otherwise, a warning says so and everything else goes on:
    the variables may be those of other programs in the same place.
    """
    named = any(environment.get(name) for name in _ENDPOINTS)
    off = (
        environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none"
    )
    return named and not off and _can(next(filter(None, map(environment.get, _PROTOCOLS)), _SPOKEN))


def _can(protocol: str) -> bool:
    if protocol != _SPOKEN:
        _LOG.warning("no traces: OTEL_EXPORTER_OTLP_PROTOCOL is %s, and Kaizen speaks %s", protocol, _SPOKEN)
        return False
    if not _installed("opentelemetry.sdk.trace") or not _installed("opentelemetry.exporter.otlp.proto.http"):
        _LOG.warning(
            "no traces: OTEL_EXPORTER_OTLP_ENDPOINT names a collector, and what reaches it is absent: "
            "install Kaizen with its extra `otel`"
        )
        return False
    return True


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor what it is a part of
        return False
