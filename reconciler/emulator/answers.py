"""HTTP answers: JSON bodies, vendor problems (api.md 2) and gateway errors (api.md 10)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

JSON = "application/json"
PROBLEM = "application/problem+json"
PROBLEM_TYPE = "https://tools.ietf.org/html/rfc2616#section-10"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Code(Enum):
    """The constraint classes the vendor's framework names by UUID."""

    BLANK = "c1051bb4-d103-4f74-8988-acbcafc7fdc3"
    TOO_LONG = "d94b19cc-114f-4f44-9cc4-4138e80a87b9"
    NOT_EMAIL = "bd79c0ab-ddba-46cc-a703-a7a4b08de310"
    NO_MX = "7a5f5b0f-9d2c-4c4e-8e0b-4a1d5a2c8e11"
    TAKEN = "23bd9dbf-6b9b-41cd-a99e-4844bcf3077f"
    NOT_A_CHOICE = "8e179f1b-97aa-4560-a02f-2a8b42e49df7"
    PATTERN = "de1e3db3-5ed4-4941-aae4-59f3667cc3a3"
    NOT_URL = "57c2f299-1154-4870-89bb-ef3b1f5ad229"
    NOT_COUNTRY = "8f900c12-61bd-455d-9398-996cd040f7f0"
    NOT_POSITIVE = "778b7ae0-84d3-481a-9dec-35fdb64b1d78"
    NOT_FOUND = "2f4c7a90-5b1e-4d0a-9c35-6f1f0a9b7e42"
    REFUSED = "5c0a8f3e-1d77-4b52-8a4e-0e3d2b6c9f10"


@dataclass(frozen=True, slots=True)
class Violation:
    path: str
    message: str
    code: Code


class Refusal(Exception):
    """Ends a request with an error answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


def encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def ok(value: object, status: int = 200) -> Answer:
    return Answer(status, encode(value))


def nothing() -> Answer:
    return Answer(204)


def listing(items: Iterable[bytes], more: bool) -> Answer:
    """A collection from items that are serialised already."""
    return Answer(200, b'{"items":[' + b",".join(items) + b'],"hasMore":' + (b"true}" if more else b"false}"))


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Answer:
    body = {"type": PROBLEM_TYPE, "title": "An error occurred", "detail": detail}
    return Answer(status, encode(body), PROBLEM, headers or {})


def invalid(violations: Sequence[Violation]) -> Answer:
    """The 422 body: `detail` has a line for each violation."""
    rows = [{"propertyPath": v.path, "message": v.message, "code": v.code.value} for v in violations]
    detail = "\n".join(f"{v.path}: {v.message}" for v in violations)
    body = {"type": PROBLEM_TYPE, "title": "An error occurred", "detail": detail, "violations": rows}
    return Answer(422, encode(body), PROBLEM)


def gateway_error(status: int, message: str) -> Answer:
    """An error of the gateway itself: plain JSON, so that clients can tell it from the vendor's."""
    return Answer(status, encode({"error": message}))


def refuse(path: str, message: str, code: Code) -> Refusal:
    return Refusal(invalid([Violation(path, message, code)]))


def not_found() -> Refusal:
    return Refusal(problem(404, "Not Found"))


def bad_request(detail: str) -> Refusal:
    return Refusal(problem(400, detail))
