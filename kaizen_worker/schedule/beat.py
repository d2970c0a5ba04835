"""Beat: Kaizen's rounds as a scheduler of Celery's. It keeps nothing on disk, and any number of them may run."""

import logging
from typing import Any

from celery.beat import Scheduler
from redis import RedisError

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect
from kaizen_api.errors import Unavailable
from kaizen_worker.schedule.rounds import LOOK, Rounds, sender
from kaizen_worker.schedule.runs import Runs
from kaizen_worker.schedule.timetable import jobs_of

_AGAIN = 1.0

log = logging.getLogger(__name__)


class Beat(Scheduler):  # type: ignore[misc]  # Celery has no types
    """What `celery beat` runs."""

    max_interval = LOOK

    def setup_schedule(self) -> None:
        """Redis has it; nothing is read before the first round."""
        config = KaizenConfig.from_env()
        self._rounds = Rounds(Runs(connect(config)), table=jobs_of(config), send=sender(config))

    def tick(self, *_: Any, **__: Any) -> float:
        """One round; where Redis or the broker is away, another try in a second."""
        try:
            return self._rounds.go()
        except (RedisError, Unavailable) as error:
            log.warning("nothing is started for now: %s", error)
            return _AGAIN
