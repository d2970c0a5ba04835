"""One tenant's findings as a request may see them: a page of a list, or one by its id."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Response

from kaizen_api.http.answers import answer
from kaizen_api.http.service import Serving
from kaizen_api.http.tenants import Tenant
from kaizen_api.queries import MAX_PAGE, Queries


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list."""

    cursor: Annotated[str | None, Query(max_length=600, description="The `next` of the page before.")] = None
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most items of the page.")] = 50


@dataclass(frozen=True, slots=True)
class View:
    """What the caller may see."""

    service: Serving
    tenant: Tenant

    def reading(self) -> AbstractContextManager[Queries]:
        """The tenant's queries; within the block, `Unavailable` where Redis does not answer."""
        return self.service.reading(self.tenant)

    def one(self, kind: str, object_id: str) -> Response:
        """One object of `keys.KINDS`.

        Raises:
            NotFound: there is none under that id.
            Unavailable: Redis does not answer.
        """
        with self.reading() as queries:
            return answer(queries.get(kind, object_id))

    def page(self, kind: str, paging: Paging, where: Callable[[Any], bool] = lambda _: True) -> Response:
        """A page of one of `keys.KINDS`.

        Raises:
            Invalid: the cursor is none of ours.
            Unavailable: Redis does not answer.
        """
        with self.reading() as queries:
            return answer(queries.page(kind, cursor=paging.cursor, limit=paging.limit, where=where))


Paged = Annotated[Paging, Depends()]
Viewed = Annotated[View, Depends()]


def where(**wanted: str | None) -> Callable[[Any], bool]:
    """Whether an item has all the fields as wanted; None wants nothing."""
    given = {name: value for name, value in wanted.items() if value is not None}
    return lambda item: all(getattr(item, name) == value for name, value in given.items())
