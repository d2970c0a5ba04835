"""Everything on one machine: a server of our own and the processes around it, supervised.

Guarantee: when the process that started a stack ends, `kill -9` included, so does all of it; what dies before is
started again, ever more slowly where it keeps dying.
"""

from kaizen_api.jobs import answering_workers
from kaizen_api.stack.services import Service, api, beat, exporter, flower, worker, workers
from kaizen_api.stack.stack import Stack
from kaizen_api.stack.state import running
from kaizen_api.stack.variables import variables
from kaizen_api.stack.whole import whole

__all__ = [
    "Service",
    "Stack",
    "answering_workers",
    "api",
    "beat",
    "exporter",
    "flower",
    "running",
    "variables",
    "whole",
    "worker",
    "workers",
]
