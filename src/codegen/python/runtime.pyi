from datetime import datetime
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Union

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
    def __reduce__(self) -> Tuple[Any, ...]: ...

class _Record:
    def __getitem__(self, name: str) -> Any: ...
    def __setitem__(self, name: str, value: Any) -> None: ...
    def __contains__(self, name: str) -> bool: ...
    def get(self, name: str, default: Any = None) -> Any: ...

class _Request(_Record):
    body: Any
    query: Any
    query_params: Dict[str, str]
    params: Any
    headers: Any
    cookies: Dict[str, str]
    method: str
    path: str
    client_addr: Optional[str]

class Request(_Request):
    """What an api is called with; path parameters are attributes."""
    def __getattr__(self, name: str) -> Any: ...

class TypedRequest(_Request):
    """What the requests of `api` have in common."""

class _Event(_Record):
    payload: Any
    id: str
    name: str
    time: str
    attempt: int
    correlation_id: str
    causation_id: Optional[str]

class Event(_Event):
    """What an event handler is called with; the payload's fields are attributes."""
    def __getattr__(self, name: str) -> Any: ...

class TypedEvent(_Event):
    """What the events of `events` have in common."""

class Tick(_Record):
    """What a cron is called with."""
    scheduled_at: str
    name: str
    attempt: int

class _Connection(_Record):
    id: str
    endpoint: str
    params: Any
    query: Dict[str, str]
    query_params: Dict[str, str]
    headers: Dict[str, str]
    cookies: Dict[str, str]
    method: str
    path: str
    client_addr: Optional[str]

class Connection(_Connection):
    """The WebSocket connection a function is called for."""
    def __getattr__(self, name: str) -> Any: ...

class TypedConnection(_Connection):
    """What the connections of `websockets` have in common."""

class Response:
    """An answer with a status and headers; `headers` is a dict or a list of pairs."""
    body: Any
    status: int
    headers: Any
    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        headers: Union[Mapping[str, Union[str, Sequence[str]]], Sequence[Tuple[str, str]], None] = None,
    ) -> None: ...

class _Logger:
    def trace(self, message: str, fields: Any = None, **more: Any) -> None: ...
    def debug(self, message: str, fields: Any = None, **more: Any) -> None: ...
    def info(self, message: str, fields: Any = None, **more: Any) -> None: ...
    def warn(self, message: str, fields: Any = None, **more: Any) -> None: ...
    def warning(self, message: str, fields: Any = None, **more: Any) -> None: ...
    def error(self, message: str, fields: Any = None, **more: Any) -> None: ...

class State:
    """What a handler can do: log, publish, look at the clock."""
    logger: _Logger
    trace_id: str
    attempt: int
    deadline: datetime
    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for this call any more."""
    def trigger_event(self, name: str, payload: Any = None) -> None:
        """Publishes one more event when the call succeeds."""
    def set_payload(self, name: str, payload: Any = None) -> None:
        """Replaces the payload of a declared trigger."""
    def triggerEvent(self, name: str, payload: Any = None) -> None: ...
    def setPayload(self, name: str, payload: Any = None) -> None: ...
    @property
    def traceId(self) -> str: ...

class HandlerContext:
    """Everything at once: all of the request or event, and all of the state."""
    handler_name: str
    request: Any
    state: State
    payload: Any
    query_params: Dict[str, str]
    metadata: Dict[str, Any]
    def __getattr__(self, name: str) -> Any: ...
