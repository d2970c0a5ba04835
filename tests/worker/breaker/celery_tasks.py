"""Tasks under a breaker, for a real Celery worker: `celery --app celery_tasks worker`, in this folder.

The environment says where the server is: SOCKET.
"""

import os
import signal

from celery import Celery
from redis import Redis

from kaizen_api.errors import BreakerOpen
from kaizen_worker.breaker import CircuitBreaker

app = Celery("tasks", broker=f"redis+socket://{os.environ['SOCKET']}")
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False, task_acks_late=True)


@app.task(soft_time_limit=1)
def hang(name: str, form: str) -> None:
    """Under the breaker, for ever: the test is told `running`, and at the end how it ended."""
    redis = Redis(unix_socket_path=os.environ["SOCKET"])
    breaker = CircuitBreaker(1, 300, name=name, redis=redis, jitter=0, recheck=0, store_timeout=10)

    def work() -> None:
        redis.rpush(f"{name}:told", "running")
        while True:
            signal.pause()

    try:
        if form == "call":
            breaker.call(work)
        else:
            with breaker.guard():
                work()
    except BreakerOpen:
        redis.rpush(f"{name}:told", "rejected")
        raise
    except BaseException as error:
        redis.rpush(f"{name}:told", type(error).__name__)
        raise
