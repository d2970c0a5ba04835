"""GET /: the console, one page for people, which knows nothing but what the API tells it with their key."""

import secrets
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from kaizen_api.http.admission import admit
from kaizen_api.http.service import Serving

router = APIRouter(include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/")
async def console(request: Request, service: Serving) -> HTMLResponse:
    """The page, its style and its script in one; the nonce lets these two run and nothing else."""
    admit(request)
    nonce = secrets.token_urlsafe(16)
    headers = {
        "Content-Security-Policy": _POLICY.format(nonce=nonce),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    page = _page().replace("{{refresh}}", str(service.config.metrics_update_interval))
    return HTMLResponse(page.replace("{{nonce}}", nonce), headers=headers)


@cache
def _page() -> str:
    parts = {name: files(__package__).joinpath(f"console.{name}").read_text() for name in ("html", "css", "js")}
    return parts["html"].replace("{{css}}", parts["css"]).replace("{{js}}", parts["js"])
