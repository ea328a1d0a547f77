"""One property of a kind: its shape, how it is written in YAML and how it travels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from reconciler.kinds.email import identity
from reconciler.model.resource import EMPTY
from reconciler.model.values import Value


class FieldShape(Enum):
    """What a field holds. WORDS is a closed set, ENTRIES text by slug (flat ``name.slug`` attributes).

    Each use of it handles every member, by a table that a test compares or by a ``match`` that mypy checks.
    """

    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    WORDS = "words"
    ENTRIES = "entries"
    REF = "ref"
    REFS = "refs"
    SECRET = "secret"  # noqa: S105 - a word, not a password


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One property of a kind: how it is written in YAML, how it travels, and what may be done with it.

    ``wire`` is the key in request and answer bodies (default: ``name``); ``answer`` the key in answers where that
    is another one. ``ref`` is the kind that a REF or REFS value names, for ENTRIES the kind of its slugs, and for
    TEXT the kind that tells its wire name. ``slugs``: those of the kind's ENTRIES that this field stands for.
    ``immutable``: set once. ``write_only``: never in an answer. ``from_env``: text that may be given as
    ``{env: NAME}`` or ``{file: PATH}`` and is then shown by its host only. ``reset`` is what the server assumes when
    the field is not sent, and what it returns to when the files release it. ``needs`` names the field that a value
    makes required: ``{value: field}``. ``personal``: tells who somebody is, as the key of a person
    does, so that redacted output marks it. ``manner``: says how a write is done, not what there is; it goes along
    with one and is never a difference of its own. ``told``: files never declare it, a write's note tells it.
    ``choices``: the only values; a mapping says of each what it means. ``is_email``: compared by identity.
    ``hint``: what to write where a value does not fit ``pattern``; every pattern has one.
    ``marked``: where people may not be named, a mark takes the value's place.
    """

    name: str
    doc: str
    shape: FieldShape = FieldShape.TEXT
    wire: str = ""
    answer: str = ""
    example: Any = None
    required: bool = False
    nullable: bool = False
    immutable: bool = False
    write_only: bool = False
    from_env: bool = False
    personal: bool = False
    manner: bool = False
    told: bool = False
    marked: bool = False
    is_email: bool = False
    ref: str | None = None
    slugs: tuple[str, ...] = ()
    choices: tuple[str, ...] | Mapping[str, str] = ()
    max_length: int | None = None
    pattern: str | None = None
    hint: str = ""
    reset: Value = None
    needs: Mapping[str, str] = field(default_factory=lambda: EMPTY)

    @property
    def sensitive(self) -> bool:
        """Whether neither side of a difference may be shown."""
        return self.shape is FieldShape.SECRET

    @property
    def answer_key(self) -> str:
        """The key in answers."""
        return self.answer or self.wire or self.name

    def normal(self, value: Value) -> Value:
        """The value with empty text as None."""
        return None if value == "" else value

    def same(self, one: Value, other: Value) -> bool:
        """Whether two values are equal; e-mail addresses are compared by identity."""
        if self.is_email and isinstance(one, str) and isinstance(other, str):
            return identity(one) == identity(other)
        return one == other
