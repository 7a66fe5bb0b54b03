"""What a handler may import of the runtime. What it is for a type checker stands in `runtime.pyi`."""

from __future__ import annotations

import copyreg

try:
    from rohas_runtime import Connection, Event, HandlerContext, Request, Response, State, Tick
except ImportError:  # outside of a worker, as in a unit test of a handler: names for annotations, and answers

    class Response:  # type: ignore[no-redef]
        def __init__(self, body=None, status=200, headers=None):
            self.body = body
            self.status = status
            self.headers = headers

    Connection = Event = HandlerContext = Request = State = Tick = type("Outside", (), {})

__all__ = [
    "Connection",
    "DeclaredError",
    "Event",
    "HandlerContext",
    "Request",
    "Response",
    "State",
    "Tick",
    "TypedConnection",
    "TypedEvent",
    "TypedRequest",
]


class DeclaredError(Exception):
    """What the classes of `errors` have in common; their fields are all there is to them."""

    def __str__(self):
        return str(getattr(self, "message", "")) or type(self).__name__

    def __reduce__(self):
        return copyreg.__newobj__, (type(self),), self.__dict__


class TypedRequest(Request):
    """What the requests of `api` have in common."""


class TypedEvent(Event):
    """What the events of `events` have in common."""


class TypedConnection(Connection):
    """What the connections of `websockets` have in common."""
