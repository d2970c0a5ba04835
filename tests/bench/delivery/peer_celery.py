"""The peer: Celery as its first steps have it, one task for each event, that does nothing."""

import os

from celery import Celery

app = Celery("peer_celery", broker=os.environ["KAIZEN_REDIS_URL"].replace("unix://", "redis+socket://", 1))
app.conf.broker_connection_retry_on_startup = True


@app.task(ignore_result=True)
def take(event):
    del event
