"""A field of a kind: its shape, its form in YAML and its form in requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from reconciler.kinds.email import identity
from reconciler.model.resource import EMPTY
from reconciler.model.values import Value


class FieldShape(Enum):
    """The type of a field's value. WORDS is a closed set, ENTRIES maps slugs to text (attributes ``name.slug``).

    All uses handle every member, by a table that a test checks or by a ``match`` that mypy checks.
    """

    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    WORDS = "words"
    ENTRIES = "entries"
    REF = "ref"
    REFS = "refs"
    SECRET = "secret"  # noqa: S105 - a word, not a password


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Field:
    """A field of a kind.

    ``wire``: its key in request and answer bodies (default: ``name``). ``answer``: its key in answers, if another
    one. ``ref``: the kind that a REF or REFS value names; for ENTRIES the kind of its slugs; for TEXT the kind that
    determines its wire name. ``slugs``: the ENTRIES that this field replaces. ``immutable``: set only on create.
    ``write_only``: never in an answer. ``from_env``: text that may be given as a secret and is then shown by its
    host only. ``reset``: the server's default, to which a released field returns.
    ``versions``: the default schema version of each word, for WORDS whose items may name another one.
    ``needs``: ``{value: field}``, the field that a value makes required. ``personal``: identifies a person, so
    redacted output replaces it. ``one_time``: an option of one write; sent with it, never a difference by itself.
    ``note_only``: not declared in files; shown in the note of a write. ``choices``: the allowed values; a mapping
    gives the meaning of each. ``is_email``: compared by identity. ``hint``: what to write instead of a value that
    does not match ``pattern``; every pattern has one. ``pseudonymized``: redacted output replaces the value.
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
    one_time: bool = False
    note_only: bool = False
    pseudonymized: bool = False
    is_email: bool = False
    ref: str | None = None
    slugs: tuple[str, ...] = ()
    choices: tuple[str, ...] | Mapping[str, str] = ()
    max_length: int | None = None
    pattern: str | None = None
    hint: str = ""
    reset: Value = None
    versions: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    needs: Mapping[str, str] = field(default_factory=lambda: EMPTY)

    @property
    def sensitive(self) -> bool:
        """Whether the values must not be shown."""
        return self.shape is FieldShape.SECRET

    @property
    def answer_key(self) -> str:
        """The field's key in answers."""
        return self.answer or self.wire or self.name

    def normal(self, value: Value) -> Value:
        """The value with empty text as None."""
        return None if value == "" else value

    def same(self, one: Value, other: Value) -> bool:
        """Whether two values are equal; e-mail addresses are compared by identity."""
        if self.is_email and isinstance(one, str) and isinstance(other, str):
            return identity(one) == identity(other)
        return one == other
