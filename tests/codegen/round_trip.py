"""Reads lines of [module, name, JSON], makes each the type by that name and writes it as JSON again, with the
conversion that handlers get. Run by tests/it/generated/python.rs."""

import importlib
import json
import sys
import typing

from rohas_runtime import values

out = sys.stdout.buffer
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    module, name, value = json.loads(line)
    hint = getattr(importlib.import_module(module), name)
    try:
        made = values.from_json(hint, value)
        if isinstance(hint, type) and hint is not typing.Any and value is not None:
            assert isinstance(made, hint), (hint, made)
        out.write(values.encode(values.to_json(made)) + b"\n")
    except Exception as error:
        raise SystemExit(f"{module}.{name}: {type(error).__name__}: {error}\n{line}") from error
