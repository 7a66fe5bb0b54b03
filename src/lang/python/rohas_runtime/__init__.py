"""What a handler may import: classes for annotations, and `Response` to answer with.

The rest of the package runs the handlers: `worker` (the loop), `handlers` (loading and calling convention),
`values` (Python <-> JSON), `logs` (where lines go), `frames` (the socket). It has no third-party dependency and runs
on Python 3.9 and newer. It never opens a socket of its own and never touches the project's files beyond importing them.
"""

from rohas_runtime.contract import Connection, Event, HandlerContext, Request, Response, State, Tick

__all__ = ["Connection", "Event", "HandlerContext", "Request", "Response", "State", "Tick"]
