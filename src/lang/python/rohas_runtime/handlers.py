"""Loads the project's handler modules and knows how each handler wants to be called.

Called by `worker` at boot (`load`) and for every call (`Handler.arguments`). All problems of all handlers are
collected; nothing here runs a handler.
"""

import dataclasses
import functools
import importlib.util
import inspect
import os
import sys
import traceback
import types
import typing

from rohas_runtime import contract, values

FIRST_ARGUMENT = {"api": contract.Request, "middleware": contract.Request, "event": contract.Event, "cron": contract.Tick}
BODY_NAMES = ("body", "input")
CONTENT_NAMES = (*BODY_NAMES, "payload", "message")  # with an annotation
CONTENT_OF = {"api": "body", "event": "payload"}
REQUEST_NAMES = ("request", "req")
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

# what a parameter is given
NEXT, REST, NOTHING, STATE, CONTEXT, REQUEST, BODY = "next", "rest", "nothing", "state", "context", "request", "body"


class Problem(Exception):
    """One thing that keeps the project from starting, as told to the parent."""

    def __init__(self, message, hint=None):
        super().__init__(message)
        self.hint = hint

    def told(self):
        return {"message": str(self), "hint": self.hint}


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a handler: what it is given, and the type that is converted to, if any."""

    name: str
    gives: str
    required: bool
    keyword: bool
    hint: typing.Any = None


class Handler:
    """A loaded handler."""

    def __init__(self, kind, name, function):
        self.kind = kind
        self.name = name
        self.function = function
        self.parameters = _parameters(kind, function)
        self._check_arity()

    def _check_arity(self):
        """A function that can never be called is reported at boot, not at the first call."""
        waiting = [p.name for p in self.parameters if p.gives == NEXT and p.required]
        keywords = [p.name for p in self.parameters if p.gives == NOTHING and p.required]
        room = (2 if self.kind == "ws" else 1) + 1
        if keywords or len(waiting) > room:
            raise Problem(
                f"parameter(s) {', '.join(keywords or waiting[room:])} of the handler of {self.kind} {self.name} "
                "would get no value",
                "a handler takes `(request, state)`, a WebSocket function `(message, connection, state)`; "
                "anything else needs a default",
            )

    def wrap(self, arguments):
        """Gives the JSON arguments of a call their classes."""
        if self.kind == "ws":
            *before, connection = arguments or [None]
            return [*before, contract.Connection(connection) if isinstance(connection, dict) else connection]
        first = FIRST_ARGUMENT[self.kind]
        return [first(argument) if isinstance(argument, dict) else argument for argument in arguments]

    def arguments(self, head, wrapped, state):
        """Returns positional and keyword arguments for one call; raises ConversionError for an unfit body."""
        waiting, state_waits = list(wrapped), True
        for parameter in self.parameters:
            if parameter.gives in (REQUEST, BODY):  # the request is given by name or type, not by position
                waiting = []
            state_waits = state_waits and parameter.gives != STATE
        positional, keywords = [], {}
        for parameter in self.parameters:
            if parameter.gives == REST:
                positional += waiting + [state] * state_waits
                waiting, state_waits = [], False
                continue
            if parameter.gives == NEXT:
                if waiting:
                    value = _typed(parameter.hint, waiting.pop(0))
                elif state_waits and parameter.required:
                    value, state_waits = state, False
                elif parameter.required:
                    value = None
                else:
                    continue
            elif parameter.gives == NOTHING:
                continue
            else:
                value = self._value(parameter, head, wrapped, state)
            if parameter.keyword or len(positional) < self.parameters.index(parameter):
                keywords[parameter.name] = value
            else:
                positional.append(value)
        return positional, keywords

    def _value(self, parameter, head, wrapped, state):
        if parameter.gives == STATE:
            return state
        if parameter.gives == CONTEXT:
            return contract.HandlerContext(head, wrapped, state)
        request = wrapped[0] if wrapped else None
        if parameter.gives == REQUEST:
            return _typed(parameter.hint, request)
        name = CONTENT_OF[self.kind]
        content = request.get(name) if isinstance(request, contract.Record) else request
        return content if parameter.hint is None else values.from_json(parameter.hint, content, f"/{name}")


def _typed(hint, value):
    """Gives a request, event or connection the class of generated code, and a message its type."""
    if hint is None:
        return value
    if isinstance(value, contract.Record):
        # A handler of several events has a union of their classes, which are called as the events.
        for kind in typing.get_args(hint) or [hint]:
            if _is_record(kind) and (kind is hint or kind.__name__ == value.get("name")):
                return contract.typed(value, kind)
        return value
    return values.from_json(hint, value, "/message")


def _parameters(kind, function):
    bare = _as_written(function)
    try:
        signature = _signature(function)
    except (TypeError, ValueError):  # a builtin that does not tell
        return [Parameter("arguments", REST, False, False)]
    hints = values.hints_of(bare, getattr(bare, "__globals__", None))
    return [_parameter(kind, parameter, hints) for parameter in signature.parameters.values()]


def _as_written(function):
    """Returns the function whose annotations count: below decorators and partials, or of a callable object."""
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    return function if inspect.isroutine(function) else type(function).__call__


def _signature(function):
    if sys.version_info < (3, 14):
        return inspect.signature(function)
    import annotationlib  # annotations may name what is imported for type checkers only

    return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)


def _parameter(kind, parameter, hints):
    required = parameter.default is inspect.Parameter.empty
    keyword = parameter.kind is inspect.Parameter.KEYWORD_ONLY
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return Parameter(parameter.name, REST, False, False)
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return Parameter(parameter.name, NOTHING, False, True)
    hint = hints.get(parameter.name, parameter.annotation)
    gives, body_type = _meaning(kind, parameter.name, None if hint is inspect.Parameter.empty else hint)
    if gives == NEXT and keyword:
        gives = NOTHING
    return Parameter(parameter.name, gives, required, keyword, body_type)


def _meaning(kind, name, hint):
    """Decides what a parameter is given, and the type that is converted to. The annotation wins over the name."""
    whole, hint = hint, _without_none(hint)
    called = _name_of(hint)
    if called == "State":
        return STATE, None
    if called == "HandlerContext":
        return CONTEXT, None
    takes_body = kind == "api"
    if typing.get_origin(hint) in values.UNIONS and all(_is_record(arm) for arm in typing.get_args(hint)):
        return NEXT, hint
    if _is_record(hint):
        return (REQUEST if kind in ("api", "middleware") else NEXT), hint
    if called.endswith("Request") and kind in ("api", "middleware") and not _is_data(hint):
        return REQUEST, None
    if takes_body and (hint is dict or typing.get_origin(hint) is dict or _is_body_type(hint)):
        return BODY, whole
    if kind in CONTENT_OF and name in CONTENT_NAMES and _is_content_type(hint):
        return BODY, whole
    if name == "state":
        return STATE, None
    if name in REQUEST_NAMES and kind in ("api", "middleware"):
        return REQUEST, None
    if takes_body and name in BODY_NAMES:
        return BODY, None
    return NEXT, whole if kind == "ws" else None


def _is_record(hint):
    """Tells whether it is one of the classes that generated code derives from those of `contract`."""
    return isinstance(hint, type) and issubclass(hint, contract.Record) and hint.__module__ != contract.__name__


def _is_content_type(hint):
    """Tells whether it is known and none of the classes of `contract`."""
    if hint is None or isinstance(hint, (str, typing.ForwardRef)):
        return False
    return not (isinstance(hint, type) and hint.__module__.split(".")[0] == contract.__name__.split(".")[0])


def _is_body_type(hint):
    origin = typing.get_origin(hint)
    if origin in values.UNIONS:
        return any(_is_body_type(arm) for arm in typing.get_args(hint))
    if isinstance(origin, type):
        return issubclass(origin, (list, tuple, set)) or _is_body_type(origin)
    if not isinstance(hint, type) or hint.__module__ == "builtins" or issubclass(hint, contract.Record):
        return False
    return _is_data(hint) or bool(getattr(hint, "__annotations__", None))


def _is_data(hint):
    """Tells whether it is a dataclass or a pydantic model: its name does not matter then."""
    pydantic = hasattr(hint, "model_validate") or hasattr(hint, "parse_obj")
    return isinstance(hint, type) and (pydantic or dataclasses.is_dataclass(hint))


def _without_none(hint):
    """`Optional[X]` means X here."""
    if typing.get_origin(hint) in values.UNIONS:
        arms = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        return arms[0] if len(arms) == 1 else hint
    return hint


def _name_of(hint):
    """The class's name; for an annotation that could not be resolved, the last word of its text."""
    text = getattr(hint, "__forward_arg__", hint)
    if isinstance(text, str):
        text = text.strip("'\" ")
        if text.startswith(("Optional[", "typing.Optional[")):
            text = text[text.index("[") + 1 : -1]
        return text.split("|")[0].strip().rpartition(".")[2]
    return getattr(hint, "__name__", "")


# --- loading ---------------------------------------------------------------------------------------------------------


def load(root, told):
    """Loads every handler in `told`; returns the table by `<kind> <name>` and the problems, told."""
    table, problems, modules = {}, [], {}
    for entry in told:
        path = entry["path"]
        try:
            if path not in modules:
                modules[path] = _import(root, path)
            if modules[path] is not None:
                handler = _find(modules[path], entry)
                table[f"{entry['kind']} {entry['name']}"] = handler
        except Problem as problem:
            modules.setdefault(path, None)
            problems.append(problem.told())
    return table, problems


def _import(root, path):
    name = _module_name(root, path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Problem(f"{path} is not a Python module", "handlers are `.py` files")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # also SystemExit: a module that exits must not end the boot silently
        del sys.modules[name]
        raise Problem(f"{path} does not load\n{stack_of(error)}") from None
    return module


def _module_name(root, path):
    """The name under which the project itself would import the file, so that there is one copy of it."""
    stem = os.path.splitext(path)[0]
    for base in (os.path.join(root, "src"), root):
        relative = os.path.relpath(stem, base)
        if not relative.startswith(os.pardir):
            return relative.replace(os.sep, ".")
    return "rohas_handlers" + stem.replace(os.sep, ".")


def _find(module, entry):
    tried = [name for name in entry["functions"] if name != "default"]
    for name in tried:
        function = getattr(module, name, None)
        if callable(function) and not isinstance(function, type):
            try:
                return Handler(entry["kind"], entry["name"], function)
            except Problem as problem:
                raise Problem(f"{entry['path']}: {problem}", problem.hint) from None
    public = [name for name, item in vars(module).items() if _is_public_function(module, name, item)]
    raise Problem(
        f"{entry['path']} has no function for {entry['kind']} {entry['name']}; tried {', '.join(tried)}; "
        f"public functions there: {', '.join(public) or 'none'}",
        f"name the function `{tried[0]}`" if tried else None,
    )


def _is_public_function(module, name, item):
    return isinstance(item, types.FunctionType) and item.__module__ == module.__name__ and name[:1] != "_"


def stack_of(error):
    """The traceback as text, without the frames of this package and of the import machinery."""
    told = traceback.TracebackException(type(error), error, error.__traceback__)
    pending, seen = [told], set()
    while pending:
        part = pending.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        part.stack = traceback.StackSummary.from_list([frame for frame in part.stack if not _is_ours(frame)])
        pending += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or [])]
    return "".join(told.format()).rstrip()


def _is_ours(frame):
    return frame.filename.startswith(("<rohas_runtime", "<frozen importlib"))
