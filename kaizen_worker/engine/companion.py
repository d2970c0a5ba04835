"""When a tenant's fast embedder is fitted: once there are more texts than the transformer reads, and as they change."""

from collections.abc import Sequence

from kaizen_worker.embedding import load
from kaizen_worker.engine.progress import Tell
from kaizen_worker.engine.runtime import LOG, Tenant
from kaizen_worker.engine.sharing import embed
from kaizen_worker.pipeline.cluster.sample import draw, hashes
from kaizen_worker.pipeline.companion import fit

SAMPLE = 3000
"""Texts that the transformer reads for a fit; up to so many it reads them all, and there is none."""

KNOWN = 0.5
"""Share of today's sample that the fit was made from, below which it is made anew."""


def renew(tenant: Tenant, texts: Sequence[str], *, tell: Tell) -> None:
    """Fit the tenant's companion to the texts of a window, where the settings ask for one and it needs to be."""
    if tenant.config.embedder != "fast" or len(texts) <= SAMPLE:
        return
    drawn = hashes(texts, seed=tenant.config.seed)
    places = draw(drawn, SAMPLE)
    if tenant.companion.known(drawn[places]) >= KNOWN:
        return
    dear = tenant.runtime.embedder
    chosen = [texts[place] for place in places]
    vectors = embed(tenant, chosen, by=dear, tell=tell)
    found = fit(chosen, load("static").embed(chosen), vectors)
    tenant.companion.save(found, drawn[places])
    LOG.info("fast embedder of %s fitted to %d of %d texts: %s", tenant.name, len(chosen), len(texts), found.name)
