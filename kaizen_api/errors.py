"""Every error Kaizen raises on purpose. What to retry follows from the class alone.

`Invalid` and its children: the caller's input is wrong, retrying cannot help. `Unavailable` and its children: the input
is fine, a part is missing or busy, and the same call may go through later.
"""


class KaizenError(Exception):
    """The root of all errors that Kaizen raises on purpose; its text says what to do."""


class Invalid(KaizenError):
    """The input is wrong and stays wrong; the text names the place and the remedy."""


class InvalidConfig(Invalid):
    """One or more settings are out of range; the text lists every one with its value and its range."""


class NotFound(Invalid):
    """There is nothing under that id."""


class Conflict(Invalid):
    """The thing exists, but its present state does not allow the step."""


class Unavailable(KaizenError):
    """A part is down, hung or busy; the same call may succeed later.

    Attributes:
        retry_after: Seconds after which a retry makes sense.
    """

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Backpressure(Unavailable):
    """The stream is at its limit: nothing of the batch was taken."""


class Paced(Unavailable):
    """Our own limit on calls to a service is used up: it was not called, and nothing is known of it."""


class NewerSchema(Unavailable):
    """A newer version wrote it, and this one would misread it: it waits for a process that does not."""


class BreakerOpen(Unavailable):
    """The circuit breaker rejects the call without making it."""
