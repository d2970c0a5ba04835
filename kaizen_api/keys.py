"""Every Redis key, one function each. All keys of one tenant share one hash slot: `{tenant}`.

In a cluster no script and no transaction touches more than one slot: there `ROLLUP` has only what belongs to no tenant,
and the sums over tenants are made when they are read (`kaizen_api/connection/counts.py`).

| key | type | TTL | writer | reader |
| --- | --- | --- | --- | --- |
| ticked | string, time in µs | a minute | tick | `kaizen doctor` |
| ticks | counter of ticks carried out | – | tick | liveness |
| workers | hash node → its last sign | fields: a day | workers | liveness |
| schedule | hash job, or job/tenant → when it is due, as set at run time | – | `kaizen schedule` | beat |
| runs | hash job, or job/tenant → due time of its last run | – | beat | beat, workers |
| runs owed | sorted set of jobs whose last run is not done, by when it is sent again | – | beat, workers | the same |
| runs done | hash job → when a worker last did a run | – | workers | `kaizen schedule` |
| tenants | set of tenants | – | append, who asks for a search | beat's jobs, queries, exporter |
| stream | stream of records `r`, group `GROUP` | – | append, `kaizen dead-letters` | live, tick, queries, exporter |
| seen | set of interaction ids, one a bucket of retention days | 2 retentions | append | append |
| log | stream of committed batches `b` with their live topics `t` | trimmed by retention | live | cycle, watch |
| detector | hash: cursor in the log, state, what was found last | – | watch | watch |
| vectors | hash text key → float16 vector, one a model and bucket | 2 retentions | live, cycle | live, cycle |
| vectors | the same of the entries, one an `entries-` model | 30 days from use | knowledge | knowledge |
| asked | list of gaps that were searched for, each with its vector, one a model | 30 days from a search | fill | fill |
| dead | stream of dead letters | – | live | `kaizen dead-letters`, queries, exporter |
| tries | hash stream id → attempts at it alone | – | live | live |
| metrics | hash series → integer, one a tenant and `ROLLUP` | – | all, with what they count | exporter, cycle |
| exemplars | hash bucket of a histogram → its last observation with ids | – | with what they count | exporter |
| queues | string: sums over the streams | 10 s | tick | exporter |
| busiest | sorted set tenant → interactions committed | – | live | exporter |
| recent | list of the last values, packed | – | live | live |
| live | hash topic → interactions since the last cycle | – | live, cycle | queries |
| claim | string: `OFFERED`, or token of whoever does a job | stated by the caller | jobs | jobs |
| voices | hash gap → people it is charged to, one a day | 2 days | cycle, jobs | cycle, jobs |
| driven | hash person → gaps charged to them, one a day | 2 days | cycle, jobs | cycle, jobs |
| unembedded | list of pieces of texts | 10 minutes | cycle | live, cycle |
| companion | hash: fit of the fast embedder, and its texts | – | cycle | live, cycle, knowledge |
| snapshot | hash: version, cycle, model, topics, centroids, … | – | cycle | live, watch, cycle, knowledge, queries |
| named | string: what a model named a topic, one a topic | 2 retentions from a cycle | cycle | cycle |
| assignments | hash chunk → ids and topics, of a tenant's last two cycles | retention | cycle | queries |
| objects | hash id → encoded object, one a kind | – | engine, knowledge, who asks for a job | the same, queries |
| order | sorted set of ids of one kind by rank | – | with objects | queries, cycle |
| balance | string: how far vectors tell the entries apart, one a model | 30 days | knowledge | knowledge |
| contents | hash content hash → id of the entry that has it | – | knowledge | knowledge |
| changes | stream of ids of changed entries | trimmed to length | knowledge | knowledge |
| breaker | hash of one breaker | 60 days from a write | breaker | breaker, exporter |
| leases | sorted set of permits of one breaker | 60 days from a write | breaker | breaker |
| breakers | set of breaker names | – | breaker | exporter, `kaizen breaker` |
| pace | string: token of whoever had the last turn at a source | until the next turn | search | search |
| user key | string, 32 random bytes | – | producer | producer |
"""

GROUP = "kaizen"
"""The consumer group of every tenant's stream."""

ASIDE = "aside"
"""The consumer of what a version could not read, from whom every other takes over."""

ROLLUP = "kz:metrics"
"""The hash of all tenants' metrics together."""

EXEMPLARS = "kz:exemplars"
"""What was last observed in each bucket of `ROLLUP`; apart from it, for that holds integers alone."""

TENANTS = "kz:tenants"

QUEUES = "kz:queues"
"""What a tick saw of all streams together."""

BUSIEST = "kz:busiest"
"""The tenants by how many of their interactions were committed, ever."""

TICKED = "kz:ticked"
"""Time of the last tick of beat that a worker carried out; expires within a minute."""

TICKS = "kz:ticks"
"""How many ticks of beat were carried out, ever."""

SCHEDULE = "kz:schedule"
"""When jobs are due that are not due as the configuration says."""

RUNS = "kz:runs"
"""Which run of each job was the last; beats claim the next by it."""

RUNS_OWED = "kz:{kz:runs}:owed"
"""The jobs whose last run no worker has done yet; in the slot of `RUNS`, with which it changes."""

RUNS_DONE = "kz:{kz:runs}:done"
"""When each was last done; likewise."""

WORKERS = "kz:workers"
"""What each worker process last did."""

USER_KEY = "kz:user-key"

BREAKERS = "kz:breakers"

BROKER_PREFIX = "kz:celery:"
"""Before each key of Celery's transport, so that one server can hold both and a look tells them apart."""

OFFERED = "offered"
"""Value of a claim on a job that is on its way to a worker."""

KINDS = ("insight", "gap", "entry", "effect", "cycle", "decision", "life")


def stream(tenant: str) -> str:
    """Interactions accepted and not yet trimmed."""
    return f"kz:{{{tenant}}}:stream"


def seen(tenant: str, bucket: int) -> str:
    """Ids of interactions accepted in one bucket of time."""
    return f"kz:{{{tenant}}}:seen:{bucket}"


def log(tenant: str) -> str:
    """Committed batches: what a cycle reads."""
    return f"kz:{{{tenant}}}:log"


def detector(tenant: str) -> str:
    """Where the detector of live patterns stands."""
    return f"kz:{{{tenant}}}:detector"


def balance(tenant: str, model: str) -> str:
    """How far the model's vectors tell the entries apart."""
    return f"kz:{{{tenant}}}:balance:{model}"


def vectors(tenant: str, model: str, bucket: int) -> str:
    """Vectors of distinct texts by one model."""
    return f"kz:{{{tenant}}}:vectors:{model}:{bucket}"


def asked(tenant: str, model: str) -> str:
    """What was asked to be searched for, with vectors by one model."""
    return f"kz:{{{tenant}}}:asked:{model}"


def voices(tenant: str, day: int) -> str:
    """Whose questions drove which searches on one day, counted from the epoch."""
    return f"kz:{{{tenant}}}:voices:{day}"


def driven(tenant: str, day: int) -> str:
    """How many searches each person's questions drove on one day, counted from the epoch."""
    return f"kz:{{{tenant}}}:driven:{day}"


def unembedded(tenant: str) -> str:
    """Pieces of texts that an analysis shares."""
    return f"kz:{{{tenant}}}:unembedded"


def companion(tenant: str) -> str:
    """The fit of the fast embedder."""
    return f"kz:{{{tenant}}}:companion"


def dead(tenant: str) -> str:
    """Interactions that could not be processed, with the reason."""
    return f"kz:{{{tenant}}}:dead"


def tries(tenant: str) -> str:
    """Attempts at interactions that failed or were lost with their worker."""
    return f"kz:{{{tenant}}}:tries"


def metrics(tenant: str) -> str:
    """One tenant's share of the metrics."""
    return f"kz:{{{tenant}}}:metrics"


def recent(tenant: str) -> str:
    """The window of recent values behind the gauges."""
    return f"kz:{{{tenant}}}:recent"


def live(tenant: str) -> str:
    """Interactions of each topic since the last cycle."""
    return f"kz:{{{tenant}}}:live"


def contents(tenant: str) -> str:
    """Which entry has which content."""
    return f"kz:{{{tenant}}}:contents"


def claim(tenant: str, job: str) -> str:
    """Held by whoever does that job now; expires."""
    return f"kz:{{{tenant}}}:claim:{job}"


def snapshot(tenant: str) -> str:
    """The topics as the last cycle left them."""
    return f"kz:{{{tenant}}}:snapshot"


def named(tenant: str, topic: str) -> str:
    """What came of asking a language model for the topic's name."""
    return f"kz:{{{tenant}}}:named:{topic}"


def assignments(tenant: str, cycle: str) -> str:
    """Topic of each interaction that a cycle looked at."""
    return f"kz:{{{tenant}}}:assignments:{cycle}"


def objects(tenant: str, kind: str) -> str:
    """What Kaizen found, of one of `KINDS`."""
    return f"kz:{{{tenant}}}:{kind}"


def order(tenant: str, kind: str) -> str:
    """The ids of one kind in the order of lists."""
    return f"kz:{{{tenant}}}:{kind}:order"


def changes(tenant: str) -> str:
    """Changed entries; the last id is the knowledge base's version."""
    return f"kz:{{{tenant}}}:changes"


def breaker(name: str) -> str:
    """State of one circuit breaker."""
    return f"kz:{{breaker:{name}}}:state"


def leases(name: str) -> str:
    """Permits of one half-open circuit breaker."""
    return f"kz:{{breaker:{name}}}:leases"


def pace(source: str) -> str:
    """There while nobody may call that source: it was called just now, or asked to be left alone."""
    return f"kz:pace:{source}"
