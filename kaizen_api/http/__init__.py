"""The HTTP API: a door in, a look at what was found, knowledge at answer time, and the console."""

from kaizen_api.http.app import create_app
from kaizen_api.http.engine import Engine

__all__ = ["Engine", "create_app"]
