"""Where lines go: the state's logger, `logging`, `print` and both streams all end as log frames of the current call.

Set up once by `worker`. Never raises into the handler that logs, whatever it logs.
"""

import contextvars
import io
import json
import logging
import os
import sys
import threading

from rohas_runtime import values

MESSAGE_LIMIT = 64 * 1024  # characters; a line is for people
FIELDS_LIMIT = 1024 * 1024  # bytes of JSON
OUTSIDE = {"call": 0, "handler": "", "invocation": "", "trace_id": ""}

current = contextvars.ContextVar("rohas_call", default=OUTSIDE)


class Sink:
    """Sends log lines to the parent."""

    def __init__(self, channel):
        self._channel = channel

    def line(self, level, message, fields=None, head=None):
        """Logs one line for the call `head`, by default the one that runs."""
        head = head or current.get()
        line = {
            "level": level,
            "message": _text(message)[:MESSAGE_LIMIT],
            "fields": None,
            "handler": head["handler"],
            "invocation": head["invocation"],
            "trace_id": head["trace_id"],
        }
        if fields:
            kept = values.to_json_anyhow(fields)
            if len(json.dumps(kept)) > FIELDS_LIMIT:
                kept = "more than 1 MiB of fields"
            line["fields"] = kept if isinstance(kept, dict) else {"fields": kept}
        self._channel.send("log", head["call"], values.encode(line, "replace"))


def _text(message):
    try:
        return str(message)
    except Exception as error:
        return f"<{type(message).__name__} whose str() raised {type(error).__name__}>"


class Stream(io.TextIOBase):
    """Stands for stdout or stderr: whole lines become log lines, each call's apart from the others'."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, sink, level, descriptor):
        self._sink = sink
        self._level = level
        self._descriptor = descriptor
        self._partial = {}
        self._lock = threading.RLock()

    def writable(self):
        return True

    def fileno(self):
        return self._descriptor

    def write(self, text):
        head = current.get()
        with self._lock:
            *lines, rest = (self._partial.pop(head["call"], "") + text).split("\n")
            if len(rest) > MESSAGE_LIMIT:
                lines, rest = [*lines, rest], ""
            if rest:
                self._partial[head["call"]] = rest
        for line in lines:
            if line:
                self._sink.line(self._level, line, None, head)
        return len(text)

    def end(self, head):
        """Logs what the call wrote after its last newline."""
        with self._lock:
            rest = self._partial.pop(head["call"], "")
        if rest:
            self._sink.line(self._level, rest, None, head)


class Handler(logging.Handler):
    """Takes what is logged with `logging`."""

    OWN = {*logging.LogRecord("", 0, "", 0, "", (), None).__dict__, "message", "asctime", "taskName"}
    LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warn"), (logging.INFO, "info"), (logging.DEBUG, "debug"))

    def __init__(self, sink):
        super().__init__()
        self._sink = sink

    def emit(self, record):
        try:
            level = next((name for least, name in self.LEVELS if record.levelno >= least), "trace")
            extra = {name: item for name, item in record.__dict__.items() if name not in self.OWN}
            self._sink.line(level, self.format(record), {"logger": record.name, **extra})
        except Exception:
            self.handleError(record)


def install(sink):
    """Redirects `logging` and both streams; returns the streams."""
    streams = Stream(sink, "info", 1), Stream(sink, "warn", 2)
    sys.stdout, sys.stderr = streams
    root = logging.getLogger()
    root.addHandler(Handler(sink))
    root.setLevel(logging.INFO)
    os.register_at_fork(after_in_child=_give_back_streams)
    return streams


def _give_back_streams():
    """In a forked child the socket is not ours to write to; the parent still reads the plain descriptors."""
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
