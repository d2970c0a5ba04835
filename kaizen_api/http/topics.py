"""What people decide about topics: names, and which count as one. Each may be sent again without changing more."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from kaizen_api.decided import MAX_TOPIC_NAME
from kaizen_api.http.answers import answer
from kaizen_api.http.openapi import described
from kaizen_api.http.service import Serving
from kaizen_api.http.tenants import Tenant
from kaizen_api.http.view import Viewed

router = APIRouter(tags=["topics"])

_TOPIC = described(200, "Topic", "The topic as it is shown now.")


class Naming(BaseModel):
    """What a topic is to be called."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str | None,
        Field(description=f"At most {MAX_TOPIC_NAME} characters that can be printed; null: the automatic name again."),
    ]


class Target(BaseModel):
    """Where a topic is to count to."""

    model_config = ConfigDict(extra="forbid")

    into: Annotated[str, Field(min_length=1, max_length=256, description="A topic's id.")]


@router.get("/v1/topics/{topic_id}/history", responses=described(200, "History", "The topic's history."))
def history(view: Viewed, topic_id: str) -> Response:
    """All that happened to a topic, by analyses and people, and its series with what merged into it."""
    with view.reading() as queries:
        return answer(queries.history(topic_id))


@router.post("/v1/topics/{topic_id}/rename", responses=_TOPIC)
def rename(service: Serving, tenant: Tenant, topic_id: str, naming: Naming) -> Response:
    """Call a topic so from now on, whatever analyses find."""
    return answer(service.engine.rename(tenant, topic_id, naming.name))


@router.post("/v1/topics/{topic_id}/merge", responses=_TOPIC)
def merge(service: Serving, tenant: Tenant, topic_id: str, target: Target) -> Response:
    """Have a topic count to another one, which is the answer; analyses go on with both underneath."""
    return answer(service.engine.merge(tenant, topic_id, target.into))


@router.post("/v1/topics/{topic_id}/split", responses=_TOPIC)
def split(service: Serving, tenant: Tenant, topic_id: str) -> Response:
    """Undo the merge of a topic."""
    return answer(service.engine.split(tenant, topic_id))
