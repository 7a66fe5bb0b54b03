"""What generated classes do at run time, beyond the round trip of values. Run by tests/it/generated/python.rs."""

import copy
import pickle
from datetime import datetime, timezone

from rohas_runtime import contract, values

from d_declared_errors.errors.invalid import Invalid
from d_declared_errors.errors.not_found import NotFound
from d_declared_errors.errors.undeclared import Undeclared
from d_leaps.models.leaps import Leaps
from d_escapes.models.escaped import Escaped
from d_escapes.models.escapes import Escapes
from d_payload_names.api.ping import PingRequest
from p_declared_errors.models.detailed import Detailed
from p_leaps.models.leaps import Leaps as PydanticLeaps
from p_escapes.models.escapes import Escapes as PydanticEscapes

# Errors say their message, and are copied with all they have.
assert str(NotFound(message="gone")) == str(NotFound("gone")) == str(Undeclared("gone")) == "gone"
assert str(Undeclared()) == "Undeclared"
invalid = Invalid(fields=["a"], args_={}, with_traceback_=True, self_=1, name="n")
assert str(invalid) == "Invalid"
for error in (invalid, NotFound(message="gone"), Undeclared("gone")):
    copies = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for other in [copy.copy(error), copy.deepcopy(error), *copies]:
        assert type(other) is type(error) and vars(other) == vars(error) and str(other) == str(error)

# An undeclared body is there as it came.
request = contract.typed(contract.Request({"body": {"any": [1]}, "params": {"query": "A", "str": 1}}), PingRequest)
assert request.body == {"any": [1]} and request.str == 1

# What needs no escape keeps its name.
assert Escaped.a.value == "a" and Escaped.a_.value == "a_" and Escaped.class_.value == "class_"
assert sorted(member.value for member in Escaped) == sorted("_a a a_ class class_ Class self_ self".split())
wire = {"class": 1, "class_": "text", "class__": True, "type": 2, "type_": "t", "createdAt": 3, "created_at": "c",
        "_y": 4, "y": "why"}
for kind in (Escapes, PydanticEscapes):
    made = values.from_json(kind, wire)
    assert (made.class_, made.class__, made.created_at, made.y) == ("text", True, "c", "why"), made
    assert values.to_json(made) == wire

# Python has no leap seconds: each becomes the last moment before it.
last = datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc)
for kind in (Leaps, PydanticLeaps):
    assert values.from_json(kind, {"given": "2016-12-31T23:59:60Z"}).given == last
    assert values.from_json(kind, {"given": "2017-01-01t00:59:60.25+01:00"}).given == last
    assert values.from_json(kind, {"given": "2017-01-01T00:00:00Z"}).written == last
assert values.from_json(Detailed, {"message": "m", "at": "2016-12-31T15:59:60-08:00", "amount": "1", "kind": "HARD",
                                   "list": []}).at == last
