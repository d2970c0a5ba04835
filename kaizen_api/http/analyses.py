"""Analyses: ask for one, follow it, cancel it."""

from urllib.parse import urlencode

from fastapi import APIRouter, Response

from kaizen_api import analyses as asked
from kaizen_api.http.answers import answer
from kaizen_api.http.openapi import described, listed
from kaizen_api.http.service import Serving
from kaizen_api.http.tenants import Tenant
from kaizen_api.http.view import Paged, Viewed

router = APIRouter(tags=["analyses"])


@router.post(
    "/v1/analyses", status_code=202, responses=described(202, "Cycle", "The analysis; follow the header Location.")
)
def start(service: Serving, tenant: Tenant) -> Response:
    """Ask for an analysis now; while one waits to begin, that is the one."""
    cycle = asked.request(service.config, tenant=tenant)
    location = f"/v1/analyses/{cycle.id}" + (
        "" if tenant == service.config.tenant else "?" + urlencode({"tenant": tenant})
    )
    return answer(cycle, 202, headers={"Location": location})


@router.get("/v1/analyses", responses=listed("Cycle", "The analyses, the latest first."))
def analyses(view: Viewed, paging: Paged) -> Response:
    """What was asked for and what came of it."""
    return view.page("cycle", paging)


@router.get("/v1/analyses/{cycle_id}", responses=described(200, "Cycle", "How it stands."))
def analysis(view: Viewed, cycle_id: str) -> Response:
    """One analysis: its step, how far that is, the time of each, its result."""
    return view.one("cycle", cycle_id)


@router.delete("/v1/analyses/{cycle_id}", responses=described(200, "Cycle", "The analysis as it stands now."))
def cancel(service: Serving, tenant: Tenant, cycle_id: str) -> Response:
    """Cancel it while it waits or runs: nothing of it is published. A second time changes nothing."""
    return answer(asked.cancel(service.config, tenant=tenant, cycle_id=cycle_id))
