"""The worker: boots the handlers, then runs calls as tasks of one asyncio loop in the main thread.

    parent ──call──▶ Worker._arrived ──▶ task: Handler.arguments ─▶ the handler ─▶ values.to_json ──answer──▶ parent
           ──cancel▶ task.cancel() ─────────────────────────────────▶ done callback ──ended───▶

Started by the bootstrap with the socket. Every call is answered by exactly one `answer` or, once cancelled, one
`ended`. Never decides about time: deadlines are the parent's, which sends `cancel` and kills who does not let go.
"""

import asyncio
import dataclasses
import faulthandler
import functools
import inspect
import json
import os
import sys

from rohas_runtime import contract, frames, handlers, logs, values


def main(sock):
    """Runs the worker until the parent closes the socket."""
    faulthandler.enable(2)
    channel = frames.Channel(sock)
    sink = logs.Sink(channel)
    streams = logs.install(sink)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # before the imports: on 3.9 a module-level Lock binds to it
    loaded = channel.receive()
    if loaded is None:
        return
    _, _, head, told = loaded
    sys.path[:0] = head["paths"]
    table, problems = handlers.load(head["root"], json.loads(told))
    for stream in streams:
        stream.end(logs.OUTSIDE)
    if problems:
        channel.send("refused", 0, values.encode(problems, "replace"))
        return
    channel.send("ready", 0, b"")
    worker = Worker(loop, channel, sink, streams, table)
    loop.add_reader(channel.fileno(), worker.arrived)
    worker.arrived()  # what came together with the handlers
    while True:
        try:
            return loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:  # out of a task that a handler started on its own
            sink.line("error", f"{type(error).__name__} in a background task is ignored")


class Call:
    """One call in flight."""

    def __init__(self, sink, head):
        self.head = head
        self.state = contract.State(sink, head)
        self.cancelled = False
        self.task = None

    def cancel(self):
        self.cancelled = True
        self.state._cancelled = True
        self.task.cancel()


class Worker:
    """The calls in flight and what arrives for them."""

    def __init__(self, loop, channel, sink, streams, table):
        self._loop = loop
        self._channel = channel
        self._sink = sink
        self._streams = streams
        self._table = table
        self._calls = {}

    def arrived(self):
        """Takes what the parent sent; at the end of the stream the process ends, whatever still runs."""
        envelopes = self._channel.arrived()
        if envelopes is None:
            os._exit(0)
        for kind, number, head, body in envelopes:
            if kind == "call":
                self._start(number, head, body)
            elif number in self._calls:  # else its answer crossed the cancel
                self._calls[number].cancel()

    def _start(self, number, head, body):
        call = Call(self._sink, head)
        self._calls[number] = call
        call.task = self._loop.create_task(self._run(call, body))
        call.task.add_done_callback(functools.partial(self._ended, number, call))

    async def _run(self, call, body):
        """Runs the handler; returns the body of the answer."""
        logs.current.set(call.head)
        try:
            handler = self._table[call.head["handler"]]
            wrapped = handler.wrap(json.loads(body))
            positional, keywords = handler.arguments(call.head, wrapped, call.state)
            value = handler.function(*positional, **keywords)
            if inspect.isawaitable(value):
                value = await value
            return _answer(value, call.state)
        except BaseException as error:  # also SystemExit, which asyncio would let end the whole worker
            return _raised(error)

    def _ended(self, number, call, task):
        del self._calls[number]
        for stream in self._streams:
            stream.end(call.head)
        if call.cancelled:
            self._channel.send("ended", number, b"")
            return
        try:
            self._channel.send("answer", number, task.result())
        except (Exception, asyncio.CancelledError) as error:  # too large, or cancelled by the handler's own hand
            self._channel.send("answer", number, _raised(error))


def _answer(value, state):
    answer = state.effects()
    if isinstance(value, contract.Response):
        answer["response"] = value.head()
        value = value.body
    answer["value"] = values.to_json(value)
    return values.encode(answer)


def _raised(error):
    message = _message(error)
    body = {"message": message, **_fields(error)}
    raised = {
        "name": type(error).__name__,
        "message": message,
        "stack": handlers.stack_of(error),
        "body": values.to_json_anyhow(body),
    }
    return values.encode({"error": raised}, "replace")


def _fields(error):
    """The fields of a generated error class by their names on the wire; of any other its public attributes."""
    if dataclasses.is_dataclass(error):
        return values.fields_of(error)
    return {name: item for name, item in getattr(error, "__dict__", {}).items() if name[:1] != "_"}


def _message(error):
    """`str(error)`, or its field `message` where that says nothing: of a dataclass, it may be all its fields."""
    try:
        message = getattr(error, "message", "")
        return str(message if dataclasses.is_dataclass(error) and message else error) or str(message)
    except Exception:
        return f"<{type(error).__name__} whose str() raised>"
