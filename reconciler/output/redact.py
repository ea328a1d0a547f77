"""Replaces personal data in values, documents and texts by short stable pseudonyms.

where                   replaced part                                               becomes
──────────────────────────────────────────────────────────────────────────────────────────────────
an address              the part of its key that names a person                     contact/c:7f3a21b0
a personal field        its value, in attributes, field changes, request bodies     v:09be41c7
any text                e-mail addresses                                            c:7f3a21b0
                        personal values of this run, three characters or more       v:09be41c7

The kinds declare which fields are personal. Secrets are not handled here: they are removed before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.dialect import TABLE
from reconciler.kinds.email import identity
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action, Cause, Plan, Step, Verb
from reconciler.model.policy import Allow, Prune
from reconciler.model.report import Outcome, PastOutcome, Report, Status
from reconciler.model.resource import EntryState, Provenance
from reconciler.model.serialization import attrs_from_json, attrs_to_json, plan_from_json, plan_to_json
from reconciler.model.values import Address, Attrs, Value, clean, unescape
from reconciler.output.verbatim import Call, Verbatim
from reconciler.output.wording import LONGEST, printable

#: A keyed digest of a text, in hex.
Digest = Callable[[str], str]

#: Domain of the digests of pseudonyms, so that none equals the digest of a secret.
DOMAIN = "mark"
#: Hex digits of a pseudonym: among 100,000 people about one pair has the same.
DIGITS = 8

_MARK = re.compile(rf"[cv]:[0-9a-f]{{{DIGITS}}}")
_STYLE = re.compile(r"(\x1b\[[0-9;]*m)")
_STOPS = r"\s\"<>(){}\[\],;:@/\\|=&?#!…"
_EMAIL = re.compile(rf"[^{_STOPS}]+(?:@|%40)[^{_STOPS}]+")
_AROUND = "'`.*"


def _person_parts(kind: Kind) -> frozenset[int]:
    """Which parts of the kind's key name a person."""
    if kind.person:
        return frozenset({0})
    refs = [kind.field(name).ref for name in kind.key]
    return frozenset(index for index, ref in enumerate(refs) if ref and KINDS[ref].person)


_PARTS = {name: _person_parts(kind) for name, kind in KINDS.items()}
_ABOUT_PEOPLE = [name for name, parts in _PARTS.items() if 0 in parts]
_ADDRESS = re.compile(rf"(?<![\w/])({'|'.join(_ABOUT_PEOPLE)})/([^\s/}}\"]+)")


def _is_declared_personal(kind: Kind, field: Field) -> bool:
    return field.personal or (kind.person and field.name in kind.key)


_PERSONAL = frozenset(f.name for kind in KINDS.values() for f in kind.fields if _is_declared_personal(kind, f))
#: Personal maps of text by slug: their attributes are ``name.slug``.
_MAPS = frozenset(
    f.name for kind in KINDS.values() for f in kind.fields if f.personal and f.shape is FieldShape.ENTRIES
)
#: Names of personal fields in requests and responses, if they differ.
_SPELLED = frozenset(
    spelled
    for wires in TABLE.values()
    for wire in wires.values()
    for name, spelled in wire.names.items()
    if name in _PERSONAL
) | frozenset(
    spelled
    for kind in KINDS.values()
    for field in kind.fields
    for spelled in (field.wire, field.answer)
    if spelled and _is_declared_personal(kind, field)
)


class Redactor(Verbatim):
    """Replaces people by pseudonyms. The same text gets the same pseudonym, in whatever form and place it is met."""

    redacts = True

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self._known = KnownValues()

    def learn(self, named: Iterable[tuple[Address, Attrs]]) -> None:
        """Replace these people and the personal values in these attributes in every text from now on."""
        for address, attrs in named:
            self._learn(address, attrs)

    def _learn(self, address: Address, attrs: Attrs) -> None:
        kind = KINDS[address.kind]
        parts = address.key.split("/")
        for index, part in enumerate(parts):
            if index in _PARTS[kind.name]:
                if part[:1] != "#":
                    self._known.add(unescape(part), partial(self.person, part))
            else:
                self._known.allow(unescape(part))
        for name, value in attrs.items():
            if isinstance(value, str) and _is_declared_personal(kind, kind.field(name)):
                self._known.add(value, partial(self.mark, value))

    # marks

    def mark(self, text: str) -> str:
        """The pseudonym of a personal value: ``c:…`` for an e-mail address, ``v:…`` for anything else."""
        if _MARK.fullmatch(text):
            return text
        if _EMAIL.fullmatch(text):
            return self.person(text)
        return f"v:{self._digest(clean(text))[:DIGITS]}"

    def person(self, part: str) -> str:
        """The pseudonym of the person whom a part of a key, or an e-mail address, names."""
        if part.startswith("#") or _MARK.fullmatch(part) or not part.strip("*?"):
            return part
        name = unescape(part) if "@" in part else unquote(part)
        return f"c:{self._digest(identity(name.strip()))[:DIGITS]}"

    # values

    def address(self, address: Address) -> Address:
        """``tagging/c:7f3a21b0/VIP``."""
        marked = _PARTS.get(address.kind, frozenset())
        parts = address.key.split("/")
        return Address(address.kind, "/".join(self.person(p) if i in marked else p for i, p in enumerate(parts)))

    def plan(self, plan: Plan) -> Plan:
        """The plan with pseudonyms, without ids of requests and without values of sensitive fields."""
        marked = plan_from_json(self.document(plan_to_json(plan)))
        return replace(marked, changes=tuple(replace(c, note=self.text(c.note)) for c in marked.changes))

    def attrs(self, attrs: Attrs) -> dict[str, Value]:
        """Attributes of one resource."""
        return attrs_from_json(self.document(attrs_to_json(attrs)))

    def past(self, outcomes: Iterable[PastOutcome]) -> list[PastOutcome]:
        """The outcomes of an earlier run, with pseudonyms."""
        return [
            each._replace(
                address=self.address(each.address),
                message=self.text(each.message),
                before=None if each.before is None else self.attrs(each.before),
                after=None if each.after is None else self.attrs(each.after),
            )
            for each in outcomes
        ]

    def request(self, call: Call) -> Call:
        """Method, path and body of a call."""
        method, path, body = call
        return method, self.text(path), self.document(body)

    def outcome(self, outcome: Outcome) -> Outcome:
        """The outcome of a step."""
        step, differs = outcome.step, outcome.differs.items()
        return replace(
            outcome,
            step=Step(self.address(step.address), step.verb),
            message=self.text(outcome.message),
            differs={name: (self.value(name, sent), self.value(name, shown)) for name, (sent, shown) in differs},
        )

    def report(self, report: Report) -> Report:
        """The report of a run."""
        return replace(report, outcomes=tuple(self.outcome(each) for each in report.outcomes))

    def value(self, name: str, value: Any) -> Any:
        """The value of a field of this name."""
        return self._marked(value) if _is_personal(name) else self.document(value)

    # documents

    def document(self, value: Any) -> Any:
        """Anything that is or will be JSON; personal fields are known by their names."""
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, list | tuple):
            return [self.document(each) for each in value]
        if not isinstance(value, Mapping) or "$schema" in value:
            return value  # a schema has names of fields only
        about = value.get("path") or value.get("slug")
        inner = isinstance(about, str) and (_is_personal(about) or ("slug" in value and "value" in value))
        return {
            self._string(key): self._marked(each)
            if _is_personal(key) or (inner and key in ("before", "after", "value")) or _is_entries(key, each)
            else self.document(each)
            for key, each in value.items()
        }

    def _marked(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._marked(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._marked(each) for each in value]
        return value if value is None or value == "" else self.mark(str(value))

    def _string(self, text: str) -> str:
        kind, slash, key = text.partition("/")
        if slash and key and _PARTS.get(kind):
            return str(self.address(Address(kind, key)))
        return self.text(text)

    # texts

    def text(self, text: str) -> str:
        """Free text, terminal colours included."""
        return "".join(piece if index % 2 else self._piece(piece) for index, piece in enumerate(_STYLE.split(text)))

    def _piece(self, text: str) -> str:
        if "/" in text:
            text = _ADDRESS.sub(self._in_address, text)
        if "@" in text or "%40" in text:
            text = _EMAIL.sub(self._in_text, text)
        return self._known.replaced(text)

    def _in_address(self, found: re.Match[str]) -> str:
        kind, key = found.groups()
        name = key.rstrip("'`.,;:)")
        return f"{kind}/{self.person(name)}{key[len(name) :]}"

    def _in_text(self, found: re.Match[str]) -> str:
        """An e-mail address with the quotes and the full stop around it; the user of a URL is none."""
        if found.string[: found.start()].endswith("://"):
            return found.group()
        whole = found.group()
        tail = whole.lstrip(_AROUND)
        name = tail.rstrip(_AROUND)
        return f"{whole[: len(whole) - len(tail)]}{self.person(name)}{tail[len(name) :]}"


def _is_personal(name: str) -> bool:
    """``first_name``, ``fields.company``, ``firstName``."""
    head, dot, _ = name.partition(".")
    return name in _SPELLED or (head in _PERSONAL and (bool(dot) or head not in _MAPS))


def _is_entries(key: str, value: Any) -> bool:
    """``fields: {company: Acme}``; the fields of a change are a list."""
    return key in _MAPS and isinstance(value, Mapping)


#: Shorter values are replaced in fields only, not in free text.
SHORTEST = 3
#: Lengths at which values are cut: in plans, and in messages about files.
_CUTS = (LONGEST, 40)

#: Makes the pseudonym of one value.
Mark = Callable[[], str]
#: Forms of values with the same first word: the offset of that word, and the pseudonym.
Forms = dict[str, tuple[int, Mark]]

_WORD = re.compile(r"\w+")
_ENUMS: tuple[type[Enum], ...] = (Action, Cause, Verb, Allow, Prune, Status, EntryState, Provenance)
#: Words of reconciler's own documents, which are never replaced.
_OURS = frozenset(
    {
        *(str(word.value) for words in _ENUMS for word in words),
        *KINDS,
        "true",
        "false",
        "null",
        "none",
        "yes",
        *(field.name for kind in KINDS.values() for field in kind.fields),
    }
)


class KnownValues:
    """Personal values with their pseudonyms, found in texts as whole words."""

    def __init__(self) -> None:
        self._allowed: set[str] = set()
        self._seen: set[str] = set()
        self._by_word: dict[str, Forms] = {}

    def add(self, value: str, mark: Mark) -> None:
        """Replace a value in each form in which it may be written; its pseudonym is made at the first occurrence."""
        if value in self._seen or len(value) < SHORTEST or value in _OURS:
            return
        self._seen.add(value)
        for form in _forms(value):
            if word := _WORD.search(form):
                self._by_word.setdefault(word.group(), {})[form] = (word.start(), mark)

    def allow(self, name: str) -> None:
        """Do not replace this name of a resource, even if it equals a personal value."""
        self._allowed.add(name)

    def replaced(self, text: str) -> str:
        """The text with pseudonyms."""
        if not self._by_word:
            return text
        parts, end = [], 0
        for word in _WORD.finditer(text):
            forms = self._by_word.get(word.group())
            found = self._longest(text, word.start(), end, forms) if forms else None
            if found:
                begin, length, mark = found
                parts += [text[end:begin], mark()]
                end = begin + length
        return "".join([*parts, text[end:]])

    def _longest(self, text: str, at: int, end: int, forms: Forms) -> tuple[int, int, Mark] | None:
        """The longest value whose first word stands ``at``, and that begins after ``end``."""
        best: tuple[int, int, Mark] | None = None
        for form, (offset, mark) in forms.items():
            begin = at - offset
            fits = begin >= end and text.startswith(form, begin) and form not in self._allowed
            if fits and _is_whole(text, begin + len(form)) and (best is None or len(form) > best[1]):
                best = (begin, len(form), mark)
        return best


def _is_whole(text: str, end: int) -> bool:
    """Whether a value that begins with a whole word also ends with one; a key of a JSON object is never a value."""
    return not re.fullmatch(r"\w\w", text[end - 1 : end + 1]) and text[end : end + 2] != '":'


def _forms(value: str) -> set[str]:
    cut = {f"{value[: longest - 1]}…" for longest in _CUTS if len(value) > longest}
    return {value, printable(value), json.dumps(value, ensure_ascii=False)[1:-1], quote(value), *cut}
