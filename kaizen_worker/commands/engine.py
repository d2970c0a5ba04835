"""The engine for one command: one tenant of the configured installation."""

from collections.abc import Iterator
from contextlib import contextmanager

from kaizen_api.cli.options import Session
from kaizen_api.connection import reaching
from kaizen_api.producer.batch import check_tenant
from kaizen_worker.engine.runtime import Runtime, Tenant


@contextmanager
def engine(session: Session) -> Iterator[Tenant]:
    """The tenant that the options name.

    Raises:
        Unavailable: Redis does not answer, now or within the block.
        Invalid: the tenant's name is none.
    """
    config = session.config()
    check_tenant(config.tenant)
    with reaching(config):
        runtime = Runtime(config)
        try:
            yield runtime.tenant(config.tenant)
        finally:
            runtime.redis.close()
