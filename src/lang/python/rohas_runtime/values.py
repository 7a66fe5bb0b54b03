"""Python values to JSON and back: what a handler returns, and the body in the type a handler asks for.

Pure functions, called by `worker`, `handlers` and `contract`. Guards what the parent's parser takes (depth, size of
integers, finite floats, Unicode), so that a handler's value can fail its own call but never the worker.
"""

import base64
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import functools
import json
import os
import re
import sys
import types
import typing
import uuid

DEPTH_LIMIT = 100  # serde_json stops at 128, the envelope takes a few
SCALARS = (str, int, float, bool, type(None))
NOT_DATA = (type, types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType, types.CoroutineType)


class ConversionError(ValueError):
    """A value that has no JSON form, or does not fit the type asked for."""


def encode(value, errors="strict"):
    """Writes JSON data as text; `errors` as for `str.encode`."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", errors)
    except UnicodeEncodeError as error:
        raise ConversionError(f"text with half a surrogate pair: {error.object[error.start]!r}") from None


# --- to JSON ---------------------------------------------------------------------------------------------------------


def to_json(value, path="", depth=0):
    """Turns a Python value into JSON data; raises ConversionError naming the place (`/items/2`)."""
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return _integer(value, path)
    if kind is float:
        return _float(value, path)
    if depth >= DEPTH_LIMIT:
        raise ConversionError(f"{path or '/'} is nested deeper than {DEPTH_LIMIT} levels")
    if kind is dict:
        return {_key(key, path): to_json(item, f"{path}/{key}", depth + 1) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [to_json(item, f"{path}/{at}", depth + 1) for at, item in enumerate(value)]
    return _object_to_json(value, path, depth)


def to_json_anyhow(value, depth=0):
    """As `to_json`, but what has no JSON form becomes its repr: for logs and the fields of errors."""
    try:
        return to_json(value)
    except Exception:
        pass
    try:
        if isinstance(value, dict) and depth < 3:  # keep the fields around a bad one; deeper it may be a circle
            return {str(key): to_json_anyhow(item, depth + 1) for key, item in value.items()}
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _object_to_json(value, path, depth):
    if isinstance(value, NOT_DATA):
        raise ConversionError(f"{path or '/'} is a {type(value).__name__}, which has no JSON form")
    scalar = _scalar_to_json(value)
    if scalar is not value:
        return to_json(scalar, path, depth + 1)
    fields = fields_of(value)
    if fields is not None:
        return to_json(fields, path, depth)
    if isinstance(value, collections.abc.AsyncIterable):
        raise ConversionError(f"{path or '/'} is an async iterator; streams cannot be returned yet")
    if isinstance(value, collections.abc.Iterable):
        return to_json(list(value), path, depth)
    if hasattr(value, "tolist"):  # the scalars of numpy
        return to_json(value.tolist(), path, depth + 1)
    if hasattr(value, "__dict__"):
        return to_json({name: item for name, item in vars(value).items() if name[:1] != "_"}, path, depth)
    raise ConversionError(f"{path or '/'} is a {type(value).__name__}, which has no JSON form")


def _scalar_to_json(value):
    """Returns the plain form of a value that has one, else the value itself."""
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, SCALARS) else value.name
    if isinstance(value, (datetime.date, datetime.time)):
        return _moment(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")  # never with an exponent
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    for plain, convert in ((str, str.__str__), (int, int.__int__), (float, float.__float__)):
        if isinstance(value, plain):
            return convert(value)  # the plain value, whatever a subclass makes of it
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def fields_of(value):
    """Returns the fields of a record (dataclass, pydantic model, mapping, named tuple), None for anything else."""
    if dataclasses.is_dataclass(value):
        return _fields_of_dataclass(value)
    if callable(getattr(value, "model_dump", None)):
        if getattr(value, "model_config", {}).get("serialize_by_alias"):
            return _fields_of_model(value)
        return value.model_dump(by_alias=False)
    if hasattr(value, "__fields__") and callable(getattr(value, "dict", None)):
        return value.dict(by_alias=False)
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    return value.__rohas_fields__ if hasattr(type(value), "__rohas_aliases__") else None


def _fields_of_dataclass(value):
    """Generated code says in the metadata of a field what it is called on the wire, where that is no Python name, and
    that a field which the store makes is absent rather than null."""
    fields = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if item is not None or not field.metadata.get("rohas_auto"):
            fields[field.metadata.get("rohas", field.name)] = item
    return fields


def _fields_of_model(value):
    """A pydantic model that wants its aliases, field by field: the rest of the conversion is ours. None is absent where
    that means None."""
    fields = {}
    for name, field in type(value).model_fields.items():
        item = getattr(value, name)
        if item is not None or field.is_required() or field.default is not None:
            fields[field.serialization_alias or field.alias or name] = item
    return fields


def _moment(value):
    """RFC 3339; without a zone it is UTC."""
    text = value.isoformat()
    if not isinstance(value, datetime.datetime):
        return text
    offset = value.utcoffset()
    if offset is None:
        return text + "Z"
    return text[: -len("+00:00")] + "Z" if not offset and text.endswith("+00:00") else text


def _integer(value, path):
    if -(1 << 63) <= value < 1 << 64:
        return value
    raise ConversionError(f"{path or '/'} is an integer of more than 64 bits; return it as a str")


def _float(value, path):
    if value - value == 0:
        return value
    raise ConversionError(f"{path or '/'} is {value}, which JSON cannot hold")


def _key(key, path):
    if type(key) is str:
        return key
    key = _scalar_to_json(key)
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, (str, int, float)):
        return str(key)
    raise ConversionError(f"{path or '/'} has a key of type {type(key).__name__}; keys are text")


# --- from JSON -------------------------------------------------------------------------------------------------------

UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))


def from_json(hint, value, path=""):
    """Builds the type `hint` from JSON data; raises ConversionError naming the place."""
    origin = typing.get_origin(hint)
    if origin is not None:
        return _generic_from_json(hint, origin, value, path)
    if hasattr(hint, "__supertype__"):
        return from_json(hint.__supertype__, value, path)
    if hint is None or hint is type(None):
        return _expect(value is None, None, "null", value, path)
    if not isinstance(hint, type) or hint in (object, typing.Any):
        return value
    if hint in PLAIN:
        return _plain_from_json(hint, value, path)
    return _class_from_json(hint, value, path)


def _generic_from_json(hint, origin, value, path):
    arguments = typing.get_args(hint)
    if origin in UNIONS:
        return _union_from_json(arguments, value, path)
    if origin is typing.Literal:
        return _expect(value in arguments, value, f"one of {arguments}", value, path)
    if hasattr(hint, "__metadata__"):
        return from_json(arguments[0], value, path)
    if not isinstance(origin, type):
        return value
    if issubclass(origin, collections.abc.Mapping):
        _expect(isinstance(value, dict), value, "an object", value, path)
        return {key: from_json(arguments[-1], item, f"{path}/{key}") for key, item in value.items()}
    if issubclass(origin, tuple) and arguments[-1:] != (...,):
        _expect(isinstance(value, list) and len(value) == len(arguments), value, f"{len(arguments)} items", value, path)
        return tuple(from_json(inner, item, f"{path}/{at}") for at, (inner, item) in enumerate(zip(arguments, value)))
    if issubclass(origin, collections.abc.Iterable) and arguments:
        _expect(isinstance(value, list), value, "a list", value, path)
        items = [from_json(arguments[0], item, f"{path}/{at}") for at, item in enumerate(value)]
        return origin(items) if origin in (set, frozenset, tuple) else items
    return _class_from_json(origin, value, path)


def _union_from_json(arms, value, path):
    if value is None and type(None) in arms:
        return None
    reasons = []
    for arm in arms:
        if arm is type(None):
            continue
        try:
            return from_json(arm, value, path)
        except ConversionError as error:
            reasons.append(str(error))
    raise ConversionError("; ".join(reasons) or f"{path or '/'} is not null")


def _class_from_json(hint, value, path):
    if issubclass(hint, enum.Enum):
        return _enum_from_json(hint, value, path)
    if issubclass(hint, dict) and hasattr(hint, "__total__"):
        return _typed_dict_from_json(hint, value, path)
    if issubclass(hint, (dict, list, set)):
        return value
    _expect(isinstance(value, dict), value, f"an object for {hint.__name__}", value, path)
    try:
        if hasattr(hint, "model_validate"):
            return hint.model_validate(value)
        if hasattr(hint, "parse_obj"):
            return hint.parse_obj(value)
    except ValueError as error:
        raise ConversionError(f"{path or '/'}: {error}") from None
    if dataclasses.is_dataclass(hint):
        return hint(**_arguments(hint, value, path))
    return _annotated_from_json(hint, value, path)


def _arguments(hint, value, path):
    """Returns the arguments for a dataclass: what is absent keeps its default; without one it is None or an error."""
    arguments = {}
    for name, wire, inner, required in _fields_for(hint):
        if wire in value:
            arguments[name] = from_json(inner, value[wire], f"{path}/{wire}")
        elif required:
            if not _takes_none(inner):
                raise ConversionError(f"{path}/{wire} is missing")
            arguments[name] = None
    return arguments


@functools.lru_cache(maxsize=4096)
def _fields_for(hint):
    """Returns name, name on the wire, type and whether it has no default, of what a dataclass is made from."""
    hints = hints_of(hint)
    missing = dataclasses.MISSING
    return [
        (
            field.name,
            field.metadata.get("rohas", field.name),
            hints.get(field.name, typing.Any),
            field.default is missing and field.default_factory is missing,
        )
        for field in dataclasses.fields(hint)
        if field.init
    ]


def _takes_none(hint):
    return typing.get_origin(hint) in UNIONS and type(None) in typing.get_args(hint)


def _typed_dict_from_json(hint, value, path):
    """What the class does not declare stays as it is; what may be None is there in any case."""
    _expect(isinstance(value, dict), value, f"an object for {hint.__name__}", value, path)
    made = dict(value)
    for name, inner in hints_of(hint).items():
        if name in value:
            made[name] = from_json(inner, value[name], f"{path}/{name}")
        elif _takes_none(inner):
            made[name] = None
    return made


def _annotated_from_json(hint, value, path):
    hints = hints_of(hint)
    arguments = {name: from_json(hints[name], value[name], f"{path}/{name}") for name in hints if name in value}
    if hint.__init__ is not object.__init__ or hint.__new__ is not object.__new__:
        try:
            return hint(**arguments)
        except TypeError as error:
            raise ConversionError(f"{path or '/'}: {error}") from None
    made = hint()
    for name, item in arguments.items():
        setattr(made, name, item)
    return made


def _enum_from_json(hint, value, path):
    try:
        return hint(value)
    except ValueError:
        pass
    known = isinstance(value, str) and value in hint.__members__
    _expect(known, value, f"one of {', '.join(hint.__members__)}", value, path)
    return hint[value]


def _plain_from_json(hint, value, path):
    accepts, convert, name = PLAIN[hint]
    _expect(isinstance(value, accepts) and (hint is bool or not isinstance(value, bool)), value, name, value, path)
    try:
        return convert(value)
    except (ValueError, ArithmeticError):
        raise ConversionError(f"{path or '/'} must be {name}, not {value!r}") from None


def _expect(holds, result, wanted, found, path):
    if holds:
        return result
    shown = repr(found) if isinstance(found, SCALARS) else type(found).__name__
    raise ConversionError(f"{path or '/'} must be {wanted}, not {shown}")


def _datetime(text):
    """RFC 3339; Python 3.9 and 3.10 know neither `Z` nor other than three or six digits of a second. No Python has leap
    seconds: one becomes the last moment before it."""
    text = re.sub(r"[zZ]$", "+00:00", text)
    text = re.sub(r":60(\.\d+)?(?=[+-])", ":59.999999", text)
    text = re.sub(r"\.(\d+)", lambda match: "." + match.group(1)[:6].ljust(6, "0"), text)
    return datetime.datetime.fromisoformat(text)


def _whole(value):
    if value != int(value):
        raise ValueError(value)
    return int(value)


def _same(value):
    return value


# type -> (the JSON types it is made from, how, what to call it)
PLAIN = {
    str: (str, _same, "text"),
    bool: (bool, _same, "true or false"),
    int: ((int, float), _whole, "a whole number"),
    float: ((int, float), float, "a number"),
    bytes: (str, lambda text: base64.b64decode(text, validate=True), "base64 text"),
    datetime.datetime: (str, _datetime, "a date and time"),
    datetime.date: (str, lambda text: datetime.date.fromisoformat(text[:10]), "a date"),
    datetime.time: (str, datetime.time.fromisoformat, "a time"),
    decimal.Decimal: ((str, int, float), lambda value: decimal.Decimal(str(value)), "a decimal number"),
    uuid.UUID: (str, uuid.UUID, "a UUID"),
}


def hints_of(owner, namespace=None):
    """Returns the annotations of a class or function; one that cannot be resolved stays a string."""
    try:
        return typing.get_type_hints(owner, namespace)
    except Exception:
        pass
    hints = {}
    for part in reversed(owner.__mro__) if isinstance(owner, type) else [owner]:
        for name, hint in _annotations(part).items():
            hints[name] = _resolve(name, hint, part, namespace)
    return hints


def _annotations(owner):
    """Returns the annotations as written; Python 3.14 evaluates them late and may fail at one."""
    if sys.version_info < (3, 14):
        return getattr(owner, "__annotations__", {})
    import annotationlib

    return annotationlib.get_annotations(owner, format=annotationlib.Format.FORWARDREF)


def _resolve(name, hint, owner, namespace):
    if namespace is None:
        namespace = vars(sys.modules.get(owner.__module__, types))
    try:
        return typing.get_type_hints(types.SimpleNamespace(__annotations__={name: hint}), namespace)[name]
    except Exception:
        return hint
