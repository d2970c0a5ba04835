"""A query parameter that a route does not know is refused: passed over, a misspelt filter would look obeyed."""

from difflib import get_close_matches

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from kaizen_api.http.problems import ProblemError

_EVERYWHERE = frozenset({"tenant"})


async def only_known(request: Request) -> None:
    """Refuse the request if it names a parameter that its route does not have.

    Raises:
        ProblemError: 422, with the parameters that there are.
    """
    route = request.scope["route"]
    known = _EVERYWHERE | _parameters(route.dependant) if isinstance(route, APIRoute) else _EVERYWHERE
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise ProblemError(422, _remedy(unknown[0], known))


def _parameters(of: Dependant) -> set[str]:
    """Those of a route, and of all that it depends on."""
    own = {each.alias for each in of.query_params}
    return own.union(*map(_parameters, of.dependencies))


def _remedy(name: str, known: frozenset[str]) -> str:
    meant = {"after": "cursor", "page": "cursor", "offset": "cursor", "size": "limit", "count": "limit"}.get(name)
    near = [meant] if meant in known else get_close_matches(name, sorted(known), 1)
    said = f"did you mean `{near[0]}`? " if near else ""
    return f"there is no parameter {name[:64]!r} here: {said}this route knows {', '.join(sorted(known))}"
