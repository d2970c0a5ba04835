"""Who may see what belongs to no tenant: the console and the metrics."""

from fastapi import Request

from kaizen_api.http.service import service_of
from kaizen_api.http.tenants import tenant_of


def admit(request: Request) -> None:
    """Nothing, for whom the tenant's own routes would serve; with keys everybody, for then neither tells of a tenant.

    Raises:
        ProblemError: 403, there are no keys and the request is not of this machine.
    """
    if not service_of(request).config.api_keys:
        tenant_of(request)
