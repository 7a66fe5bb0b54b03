"""Imports every module of the packages below the working directory whose names start so, resolves every annotation,
and reads every file as Python 3.9 would. Run by tests/it/generated/python.rs."""

import ast
import dataclasses
import importlib
import pathlib
import sys
import typing

prefixes = tuple(sys.argv[1].split(","))
count = classes = 0
for path in sorted(pathlib.Path(".").rglob("*.py*")):
    if not path.parts[0].startswith(prefixes) or path.suffix not in (".py", ".pyi"):
        continue
    source = path.read_text(encoding="utf-8")
    ast.parse(source, str(path), feature_version=(3, 9))
    if path.suffix == ".pyi":
        continue
    compile(source, str(path), "exec", dont_inherit=True)
    parts = path.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    # Each module first in turn: what needs it at the end must not depend on the order.
    if not parts[0].endswith("_big"):
        for loaded in [loaded for loaded in sys.modules if loaded.split(".")[0] == parts[0]]:
            del sys.modules[loaded]
    module = importlib.import_module(name)
    count += 1
    for exported in getattr(module, "__all__", []):
        item = getattr(module, exported)
        if isinstance(item, type) and item.__module__ == name and "." in name and not name.endswith("runtime"):
            hints = typing.get_type_hints(item)
            assert not any(isinstance(hint, str) for hint in hints.values()), (name, exported, hints)
            if dataclasses.is_dataclass(item):
                assert {field.name for field in dataclasses.fields(item)} <= set(hints), (name, exported)
            if hasattr(item, "model_rebuild"):
                item.model_rebuild()
            classes += 1
assert count > 100, count
print(f"{count} modules, {classes} classes")
