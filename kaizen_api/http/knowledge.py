"""GET /v1/knowledge: what the assistant asks at answer time."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from kaizen_api.errors import Invalid
from kaizen_api.http.answers import answer
from kaizen_api.http.openapi import described
from kaizen_api.http.service import Serving
from kaizen_api.http.tenants import Tenant
from kaizen_api.knowledge import Knowledge

router = APIRouter(tags=["knowledge"])

MAX_QUERY = 8_192
"""Characters of a query."""


@router.get("/v1/knowledge", responses=described(200, "Knowledge", "Entries, the best first, and guidance."))
def knowledge(
    service: Serving,
    tenant: Tenant,
    q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY, description="What the user asked.")],
    session_id: Annotated[
        str | None, Query(max_length=256, description="The conversation; it decides on the hold-out.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> Response:
    """Entries with score and provenance, and what applied insights recommend for such a query."""
    if not q.strip():
        raise Invalid("`q` is blank: send what the user asked")
    entries = service.engine.knowledge(tenant, q, session_id=session_id, limit=limit)
    return answer(Knowledge(entries=entries, guidance=service.engine.guidance(tenant, q)))
