"""A process that calls through breakers: reads one command a line, answers each with one line of JSON."""

import json
import sys
from typing import Any

from redis import Redis

from kaizen_api.errors import BreakerOpen
from kaizen_worker.breaker import CircuitBreaker, Permit


class Caller:
    def __init__(self, socket: str) -> None:
        self.client = Redis(unix_socket_path=socket)
        self.breakers: dict[str, CircuitBreaker] = {}
        self.permits: dict[str, Permit] = {}
        self.events: dict[str, int] = {}

    def breaker(self, name: str, options: dict[str, Any]) -> CircuitBreaker:
        if name not in self.breakers:
            self.breakers[name] = CircuitBreaker(name=name, redis=self.client, observe=self.observe, **options)
        return self.breakers[name]

    def observe(self, event: str, count: int) -> None:
        self.events[event] = self.events.get(event, 0) + count

    def admit(self, breaker: CircuitBreaker) -> str:
        try:
            permit = breaker.admit()
        except BreakerOpen:
            return "rejected"
        self.permits[breaker.name] = permit
        return "probe" if permit.probe else "admitted"

    def fail(self, breaker: CircuitBreaker, times: int) -> int:
        counted = 0
        for _ in range(times):
            if self.admit(breaker) != "rejected":
                breaker.report(self.permits[breaker.name], "failure")
                counted += 1
        return counted

    def obey(self, do: str, name: str, options: dict[str, Any], **arguments: Any) -> Any:
        breaker = self.breaker(name, options)
        if do == "admit":
            return self.admit(breaker)
        if do == "fail":
            return self.fail(breaker, **arguments)
        if do == "report":
            return breaker.report(self.permits[name], **arguments)
        events, self.events = self.events, {}
        return events


def main() -> None:
    caller = Caller(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(caller.obey(**json.loads(line))), flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
