"""What travels with a task: names of what to work on, never data."""

import inspect

from kaizen_api import jobs
from kaizen_worker import tasks


def test_arguments_are_names_of_what_to_work_on():
    known = {name: one for name, one in vars(tasks).items() if getattr(one, "name", "").startswith("kaizen.")}
    assert {one.name for one in known.values()} == set(jobs.ROUTES)
    taken = {word for one in known.values() for word in inspect.signature(one.run).parameters}
    assert taken == {"tenant", "place", "cycle_id", "gap_id", "due"}
