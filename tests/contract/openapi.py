"""Turns an OpenAPI 3.0 description into checks of requests and answers, each a list of what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30Validator, oas30_format_checker

Schema = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    method: str
    template: str
    parameters: dict[str, Schema]  # of the query, by name
    body: Schema | None
    body_required: bool
    answers: dict[int, Schema | None]  # None: no schema is given for the body


class Interface:
    """A description, ready to check against. Schemas are taken as they stand: nothing is made stricter."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        whole = _resolve(document, document)
        self.operations = [_operation(*found) for found in _operations(whole)]

    @classmethod
    def load(cls, path: Path | str) -> Interface:
        return cls(load(path))

    def find(self, method: str, path: str) -> Operation | None:
        """The operation of a native path; a fixed path wins over one with a variable in its place."""
        fits = [
            operation
            for operation in self.operations
            if operation.method == method.upper() and _pattern(operation.template).fullmatch(path)
        ]
        return min(fits, key=lambda operation: operation.template.count("{"), default=None)

    def check_request(self, method: str, path: str, query: Mapping[str, Any] | None, body: Any) -> list[str]:
        operation = self.find(method, path)
        if operation is None:
            return [f"{method} {path} is not described"]
        return [*_query_errors(operation, query or {}), *_body_errors(operation, body)]

    def check_answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """`body` is the decoded JSON, None when there was none."""
        operation = self.find(method, path)
        if operation is None:
            return [f"{method} {path} is not described"]
        if status not in operation.answers:
            return [f"{method} {path} does not answer {status}"]
        schema = operation.answers[status]
        if status == 204 and body is not None:
            return ["a 204 has no body"]
        return [] if schema is None else _errors(schema, body, "answer")


def load(path: Path | str) -> dict[str, Any]:
    text = Path(path).read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text) if str(path).endswith(".json") else yaml.safe_load(text)
    return document


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", template))


def _resolve(node: Any, document: Mapping[str, Any]) -> Any:
    """The same tree with references replaced by what they name, and nullable unions in a form that works."""
    if isinstance(node, list):
        return [_resolve(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _resolve(target, document)
    resolved = {key: _resolve(value, document) for key, value in node.items()}
    if resolved.get("nullable") is True and "anyOf" in resolved:
        # `nullable` is read together with `type` only, so a union needs a branch for null.
        resolved["anyOf"] = [*resolved["anyOf"], {"nullable": True, "type": "string", "enum": [None]}]
    return resolved


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Schema, list[Schema]]]:
    for template, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, template, item[method], item.get("parameters", [])


def _operation(method: str, template: str, described: Schema, shared: list[Schema]) -> Operation:
    parameters = [*shared, *described.get("parameters", [])]
    body = described.get("requestBody", {})
    return Operation(
        method.upper(),
        template,
        {entry["name"]: entry for entry in parameters if entry["in"] == "query"},
        _json_schema(body),
        bool(body.get("required")),
        {int(status): _json_schema(answer) for status, answer in described["responses"].items()},
    )


def _json_schema(holder: Schema) -> Schema | None:
    for kind, media in holder.get("content", {}).items():
        if kind.endswith("json"):
            schema: Schema = media.get("schema", {})
            return schema
    return None


def _query_errors(operation: Operation, query: Mapping[str, Any]) -> Iterator[str]:
    for name, parameter in operation.parameters.items():
        if parameter.get("required") and name not in query:
            yield f"query: {name} is required"
    for name, text in query.items():
        if name not in operation.parameters:
            yield f"query: {name} is not described"
        else:
            schema = operation.parameters[name].get("schema", {})
            yield from _errors(schema, _typed(text, schema.get("type")), f"query: {name}")


def _typed(value: Any, kind: str | None) -> Any:
    """The text of a query as the type its schema names; as it stands where that is impossible."""
    text = str(value)
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _body_errors(operation: Operation, body: Any) -> Iterator[str]:
    if body is None:
        if operation.body_required:
            yield "body: required"
    elif operation.body is None:
        yield "body: none is described"
    else:
        yield from _errors(operation.body, body, "body")
        unknown = sorted(body.keys() - operation.body["properties"].keys()) if "properties" in operation.body else ()
        yield from (f"body: {key} is not described" for key in unknown)


def _errors(schema: Schema, value: Any, where: str) -> list[str]:
    checker = OAS30Validator(schema, format_checker=oas30_format_checker)
    return [
        ".".join([where, *(str(part) for part in error.absolute_path)]) + f": {error.message}"
        for error in checker.iter_errors(value)
    ]
