"""What every model is: JSON names are aliases, both names are accepted, unknown fields are dropped."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

__all__ = ["Base64", "Moment", "Record"]


class Record(BaseModel):
    """A model whose JSON has the names of the schema."""

    model_config = ConfigDict(populate_by_name=True, protected_namespaces=(), serialize_by_alias=True)


def _decoded(value: Any) -> Any:
    return base64.b64decode(value, validate=True) if isinstance(value, str) else value


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _without_leap(value: Any) -> Any:
    # No Python has leap seconds.
    return re.sub(r":60(\.\d+)?(?=[zZ+-])", ":59.999999", value) if isinstance(value, str) else value


Moment = Annotated[datetime, BeforeValidator(_without_leap)]
Base64 = Annotated[bytes, BeforeValidator(_decoded), PlainSerializer(_encoded, when_used="json")]
