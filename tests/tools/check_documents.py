"""Holds documents against the rules of their formats: JSON Schema 2020-12 (`jsonschema`) and OpenAPI 3.1
(`openapi-spec-validator`). Run by tests/it/documents.rs, once for all documents.

    check_documents.py FOLDER    prints {"file": ["problem", ...]} for every document in it
"""

import json
import pathlib
import sys

import jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator

Validator = jsonschema.Draft202012Validator


def nodes(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


def references(document):
    """Finds references to nothing."""
    for node in nodes(document):
        target = node.get("$ref") if isinstance(node, dict) else None
        if isinstance(target, str):
            found = document
            for segment in target.removeprefix("#/").split("/"):
                found = found.get(segment) if isinstance(found, dict) else None
            if found is None:
                yield f"{target} leads nowhere"


def json_schema(document):
    for error in Validator(Validator.META_SCHEMA, format_checker=Validator.FORMAT_CHECKER).iter_errors(document):
        yield f"{error.json_path}: {error.message}"
    for name, definition in document.get("$defs", {}).items():
        for field, declared in definition.get("properties", {}).items():
            if isinstance(declared, dict) and "default" in declared:
                check = Validator({**declared, "$defs": document["$defs"]}, format_checker=Validator.FORMAT_CHECKER)
                for error in check.iter_errors(declared["default"]):
                    yield f"default of {name}.{field}: {error.message}"


def openapi(document):
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        yield f"{error.json_path if hasattr(error, 'json_path') else ''}: {error}"[:500]
    for path, place in document["paths"].items():
        for method, operation in place.items():
            for status, response in operation["responses"].items():
                for content in response.get("content", {}).values():
                    if "example" in content:
                        schema = {**content["schema"], "components": document["components"]}
                        for error in Validator(schema, format_checker=Validator.FORMAT_CHECKER).iter_errors(
                            content["example"]
                        ):
                            yield f"example of {method} {path} {status}: {error.message}"


def main():
    found = {}
    for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        check = {"schema": json_schema, "openapi": openapi}.get(path.name.split(".")[-2])
        if check:
            document = json.loads(path.read_text())
            found[path.name] = [*references(document), *check(document)]
    print(json.dumps(found))


main()
