"""The demo: the whole loop played on a help desk for Python programmers, with what is true told beside what was found.

Its documents are the docstrings of the installed standard library, its questions were written for it, and its users and
their assistant are played by `kaizen_worker.simulate` with a fixed seed. Everything else is the real thing.
"""

from kaizen_worker.demo.desk import Desk
from kaizen_worker.demo.plot import Acts, perform_demo
from kaizen_worker.demo.telling import summary, tell

__all__ = ["Acts", "Desk", "perform_demo", "summary", "tell"]
