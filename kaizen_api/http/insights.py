"""The steps in an insight's life: apply, dismiss, revert. Each may be sent again without changing anything more."""

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field

from kaizen_api.http.answers import answer
from kaizen_api.http.openapi import described
from kaizen_api.http.service import Serving
from kaizen_api.http.tenants import Tenant

router = APIRouter(tags=["insights"])

_INSIGHT = described(200, "Insight", "The insight as it stands now.")


class Dismissal(BaseModel):
    """Why an insight is put aside."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=1000)] = ""


@router.post("/v1/insights/{insight_id}/apply", responses=_INSIGHT)
def apply(service: Serving, tenant: Tenant, insight_id: str) -> Response:
    """Let it take effect: its entries are found, its recommendation is served, its effect is measured."""
    return answer(service.engine.apply(tenant, insight_id))


@router.post("/v1/insights/{insight_id}/dismiss", responses=_INSIGHT)
def dismiss(
    service: Serving, tenant: Tenant, insight_id: str, dismissal: Annotated[Dismissal | None, Body()] = None
) -> Response:
    """Put it aside; the same finding later stays dismissed."""
    return answer(service.engine.dismiss(tenant, insight_id, dismissal.reason if dismissal else ""))


@router.post("/v1/insights/{insight_id}/revert", responses=_INSIGHT)
def revert(service: Serving, tenant: Tenant, insight_id: str) -> Response:
    """Take back what applying it did."""
    return answer(service.engine.revert(tenant, insight_id))
