"""The one way out to the web: whom to connect to is looked up, checked and connected to in one step.

Guarantees: nothing on a private, local or otherwise special address is reached, unless the operator named it as a
source; a redirection is checked like a first address; an answer is bounded in bytes, before and after it is unpacked,
in kind, and in seconds, all together and however slowly it comes; neither cookies nor the environment's proxies count.
"""

from kaizen_worker.search.web.door import AGENT, Answer, Door, agent

__all__ = ["AGENT", "Answer", "Door", "agent"]
