"""The objects a handler sees: the request or event, the state, the context, and the response it may return.

Made by `worker` for every call, imported by handlers for their annotations. Nothing here knows the socket: what a
handler asks for (publications) is collected on the state, what it logs goes through the `logs.Sink` it was given.
"""

import datetime
import functools

from rohas_runtime import values

LONGEST_WAIT_MS = 10 * 365 * 24 * 3600 * 1000  # `datetime` has no room for "no deadline"


class Record:
    """A JSON object that is read as attributes and as items. What it has itself has names that no schema can have."""

    __rohas_aliases__ = {}
    __rohas_behind__ = None  # the member whose fields are readable too where none of this object has the name

    def __init__(self, fields):
        object.__setattr__(self, "__rohas_fields__", fields)

    def __getitem__(self, name):
        name = self.__rohas_aliases__.get(name, name)
        if name in self.__rohas_fields__:
            return self.__rohas_fields__[name]
        return _behind(self)[name]

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            has = ", ".join([*self.__rohas_fields__, *_behind(self)])
            raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {has}") from None

    def __setitem__(self, name, value):
        self.__rohas_fields__[self.__rohas_aliases__.get(name, name)] = value

    __setattr__ = __setitem__

    def get(self, name, default=None):
        """Returns the value called `name`, or `default`."""
        return self[name] if name in self else default

    def __contains__(self, name):
        return self.__rohas_aliases__.get(name, name) in self.__rohas_fields__ or name in _behind(self)

    def __repr__(self):
        return f"{type(self).__name__}({self.__rohas_fields__!r})"


_hints = functools.lru_cache(maxsize=4096)(values.hints_of)


def typed(record, kind):
    """Returns the same as a `kind`: a subclass whose annotations say what the members are."""
    fields = dict(record.__rohas_fields__)
    for name, hint in _hints(kind).items():
        if name in fields:
            fields[name] = values.from_json(hint, fields[name], f"/{name}")
    return kind(fields)


def _behind(record):
    """Returns the fields of the member behind, be it JSON or of a generated class."""
    value = record.__rohas_fields__.get(record.__rohas_behind__)
    if isinstance(value, dict):
        return value
    return getattr(value, "__dict__", {}) if hasattr(type(value), "__annotations__") else {}


class Request(Record):
    """What an api is called with: `body`, `query`, `headers`, ... and the path parameters as attributes."""

    __rohas_aliases__ = {"queryParams": "query_params", "clientAddr": "client_addr"}
    __rohas_behind__ = "params"


class Event(Record):
    """What an event handler is called with: `payload`, `id`, `name`, ... and the payload's own fields."""

    __rohas_aliases__ = {"correlationId": "correlation_id", "causationId": "causation_id"}
    __rohas_behind__ = "payload"


class Tick(Record):
    """What a cron is called with: `scheduled_at`, `name`, `attempt`."""

    __rohas_aliases__ = {"scheduledAt": "scheduled_at"}


class Connection(Record):
    """The WebSocket connection a function is called for."""


class Response:
    """An answer with a status and headers; `headers` is a dict or a list of pairs."""

    def __init__(self, body=None, status=200, headers=None):
        self.body = body
        self.status = status
        self.headers = headers

    def head(self):
        """Returns status and headers as they travel."""
        if isinstance(self.status, bool) or not isinstance(self.status, int) or not 100 <= self.status <= 999:
            raise values.ConversionError(f"the response's status is {self.status!r}, not a number from 100 to 999")
        pairs = self.headers or []
        if hasattr(pairs, "items"):
            pairs = [(name, item) for name, held in pairs.items() for item in _each(held)]
        return {"status": int(self.status), "headers": [[str(name), str(item)] for name, item in pairs]}


def _each(held):
    return held if isinstance(held, (list, tuple)) else [held]


class Logger:
    """Writes log lines that carry the handler, the invocation and the trace."""

    def __init__(self, sink, head):
        self._sink = sink
        self._head = head

    def _log(self, level, message, fields, more):
        if more:
            fields = {**fields, **more} if isinstance(fields, dict) else {"fields": fields, **more} if fields else more
        self._sink.line(level, message, fields, self._head)

    def trace(self, message, fields=None, **more):
        self._log("trace", message, fields, more)

    def debug(self, message, fields=None, **more):
        self._log("debug", message, fields, more)

    def info(self, message, fields=None, **more):
        self._log("info", message, fields, more)

    def warn(self, message, fields=None, **more):
        self._log("warn", message, fields, more)

    def error(self, message, fields=None, **more):
        self._log("error", message, fields, more)

    warning = warn


class State:
    """What a handler can do: log, publish, look at the clock."""

    def __init__(self, sink, head):
        self.logger = Logger(sink, head)
        self.trace_id = head["trace_id"]
        self.attempt = head["attempt"]
        remaining = datetime.timedelta(milliseconds=min(head["remaining_ms"], LONGEST_WAIT_MS))
        self.deadline = datetime.datetime.now(datetime.timezone.utc) + remaining
        self._cancelled = False
        self._payloads = []
        self._triggers = []

    @property
    def cancelled(self):
        """Whether nobody waits for this call any more."""
        return self._cancelled

    def trigger_event(self, name, payload=None):
        """Publishes one more event when the call succeeds."""
        self._triggers.append([_event_name(name), values.to_json(payload, f"/{name}")])

    def set_payload(self, name, payload=None):
        """Replaces the payload of a declared trigger."""
        self._payloads.append([_event_name(name), values.to_json(payload, f"/{name}")])

    triggerEvent = trigger_event
    setPayload = set_payload
    traceId = property(lambda self: self.trace_id)

    def effects(self):
        """Returns the publications asked for, as they travel."""
        return {"payloads": self._payloads, "triggers": self._triggers}


def _event_name(name):
    if not isinstance(name, str):
        raise TypeError(f"an event's name is a str, not {type(name).__name__}")
    return name


class HandlerContext:
    """Everything at once: `handler_name`, `payload`, `query_params`, `metadata`, all of the request and of the state."""

    def __init__(self, head, arguments, state):
        kind, _, self.handler_name = head["handler"].partition(" ")
        self.request = arguments[0] if arguments else None
        self.state = state
        self.metadata = {"kind": kind, **head}
        if kind == "ws":
            self.connection = arguments[-1] if arguments else None
            self.message = self.payload = arguments[0] if len(arguments) > 1 else None
        else:
            self.payload = self._of_request("body" if kind in ("api", "middleware") else "payload")
        self.query_params = self._of_request("query_params") or {}

    def _of_request(self, name):
        return self.request.get(name) if isinstance(self.request, Record) else None

    def __getattr__(self, name):
        if name.startswith("_") or name in ("request", "state"):
            raise AttributeError(name)
        if isinstance(self.request, Record) and name in self.request:
            return self.request[name]
        return getattr(self.state, name)
