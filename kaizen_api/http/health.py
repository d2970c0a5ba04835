"""Whether this process lives, and whether it can serve. Neither needs a key, neither tells about any tenant."""

from fastapi import APIRouter, Response

from kaizen_api.http.answers import answer
from kaizen_api.http.service import Serving
from kaizen_api.metrics.reading import ping

router = APIRouter(tags=["operation"])

_PATIENCE = 1.0  # seconds for Redis; orchestrators usually wait one or more


@router.get("/livez")
async def livez() -> Response:
    """The process answers. It says nothing of Redis: restarting this process would not bring that back."""
    return answer({"status": "ok"})


@router.get("/readyz")
async def readyz(service: Serving) -> Response:
    """Requests can be served: Redis answers within a second, else 503."""
    await ping(service.config, within=_PATIENCE)
    return answer({"status": "ok"})
