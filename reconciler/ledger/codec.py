"""Encodes ledger entries and attributes as rows of text, and decodes them; values of secrets are left out.

Keyed digests compare secrets, and sign plan files, without storing them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from sys import intern
from typing import Any

from reconciler.errors import DamagedValue, LedgerError
from reconciler.kinds import KINDS
from reconciler.model.resource import EMPTY, NO_LIFECYCLE, Desired, EntryState, LedgerEntry, Lifecycle, Provenance
from reconciler.model.serialization import from_json, to_json
from reconciler.model.values import Address, Attrs, FlatAttrs, Origin, Ref, Secret, Value
from reconciler.planner.matched_state import DERIVED, Agreed, Entries, Written, remote_id_of

#: ASCII output, which can also represent a lone surrogate from an answer.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_quote = json.encoder.encode_basestring_ascii
_scan = json.JSONDecoder().raw_decode

#: Value of the column ``answered`` if it equals ``applied``.
SAME = "="
#: Value of the column ``answered`` if the account returned every value as sent, as for nearly all entries.
NOTHING = "{}"

#: Types that JSON decodes to the same value; compared by exact type, because this runs for each attribute.
_PLAIN = frozenset((str, int, bool, type(None)))

_PROVENANCE = {member.value: member for member in Provenance}
_STATE = {member.value: member for member in EntryState}
_SETTLED = EntryState.SETTLED.value
_NO_LIFECYCLE = Lifecycle()


#: The columns that decide whether a row equals its desired resource, which has the values of all others.
DECISIVE = (
    *("key", "remote_id", "applied", "answered", "digests", "state", "lifecycle", "former", "part_of"),
    *("provenance", "since", "run", "managed_since"),
)

#: Exceptions of decoding for a damaged value.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError)


@contextmanager
def decoding() -> Iterator[None]:
    """Raises DamagedValue if the decoding of stored values in the block fails."""
    try:
        yield
    except UNREADABLE:
        raise DamagedValue from None


def check_types(*wanted: tuple[Any, Any]) -> None:
    """Raises TypeError for a stored value of another type, because SQLite columns accept every type."""
    for value, types in wanted:
        if not isinstance(value, types):
            raise TypeError(f"{type(value).__name__} in a column of the ledger")


def _decode(text: str) -> Any:
    """The inverse of :func:`_encode`; faster than json.loads, which also looks for white space."""
    return _scan(text)[0]


def attrs_text(attrs: Attrs) -> str:
    """Attributes as one line of JSON, sorted by name; of a secret only the source is kept.

    Joined by hand for speed, because this runs for each row that is written or compared.
    """
    texts = []
    for name, value in sorted(attrs.items()):
        if type(value) is str:
            texts.append(f"{_quote(name)}:{_quote(value)}")
        else:
            texts.append(f"{_quote(name)}:{_ref_text(value.target) if type(value) is Ref else _value_text(value)}")
    return "{" + ",".join(texts) + "}"


def _value_text(value: Value) -> str:
    return "null" if value is None else _encode(to_json(value))


@lru_cache(1 << 12)
def _ref_text(target: Address) -> str:
    """Cached, because many rows refer to the same resource."""
    return f'{{"$ref":{_quote(str(target))}}}'


def attrs_value(text: str) -> Attrs:
    """The inverse of :func:`attrs_text`; raises ValueError."""
    if text == "{}":
        return EMPTY
    return FlatAttrs.of({n: v if type(v) in _PLAIN else _marked(v) for n, v in _decode(text).items()})


def _marked(value: Any) -> Value:
    """:func:`from_json`, with a faster path for sets of texts."""
    if type(value) is dict and len(value) == 1 and "$set" in value:
        items = value["$set"]
        if all(type(item) is str for item in items):
            return frozenset(items)
    return from_json(value)


def plain(text: str) -> str:
    """The text without NUL and lone surrogates, which some databases refuse."""
    return text.encode(errors="replace").decode().replace("\x00", "")


def to_row(entry: LedgerEntry) -> dict[str, Any]:
    """The columns of an entry; defaults are NULL."""
    applied = attrs_text(entry.applied)
    answered = attrs_text(_without_secrets(entry.answered, entry.applied)) if entry.answered else NOTHING
    return {
        "kind": entry.address.kind,
        "key": entry.address.key,
        "remote_id": entry.remote_id,
        "applied": applied,
        "answered": SAME if answered == applied else answered,
        "digests": _encode(dict(entry.digests)) if entry.digests else None,
        "depends_on": addresses_text(entry.depends_on),
        "origin": origin_text(entry.origin) if entry.origin else None,
        "lifecycle": _lifecycle_text(entry.lifecycle),
        "provenance": entry.provenance.value,
        "former": str(entry.former) if entry.former else None,
        "part_of": addresses_text([entry.part_of] if entry.part_of else []),
        "state": entry.state.value,
        "since": entry.since,
        "run": entry.run,
        "managed_since": entry.managed_since,
    }


def _without_secrets(answered: Attrs, applied: Attrs) -> Attrs:
    """The answered values without those sent as secrets, in case the server echoes them."""
    hidden = {name for name, value in applied.items() if isinstance(value, Secret)}
    return {n: v for n, v in answered.items() if n not in hidden} if hidden else answered


def addresses_text(addresses: Iterable[Address]) -> str | None:
    """Addresses as a JSON list, or NULL for none."""
    texts = [_quote(str(address)) for address in addresses]
    return f"[{','.join(texts)}]" if texts else None


def origin_text(origin: Origin) -> str:
    """``line:column:file``; the file comes last, because its name may contain colons."""
    return f"{origin.line}:{origin.column}:{_file_name(origin.file)}"


@lru_cache(256)
def _file_name(text: str) -> str:
    """Cached, because many rows name the same file."""
    return plain(text)


def origin_value(text: str) -> Origin:
    """The inverse of :func:`origin_text`."""
    line, column, file = text.split(":", 2)
    return Origin(intern(file), int(line), int(column))


@lru_cache(1024)
def _addresses(text: str) -> tuple[Address, ...]:
    return tuple(map(Address.parse, _decode(text)))


def _lifecycle_text(lifecycle: Lifecycle) -> str | None:
    if lifecycle == _NO_LIFECYCLE:
        return None
    return _encode([lifecycle.prevent_destroy, sorted(lifecycle.ignore), lifecycle.create_before_destroy])


def _lifecycle_value(text: str) -> Lifecycle:
    prevent, ignore, before = _decode(text)
    return Lifecycle(prevent, frozenset(ignore), before)


def texts_value(text: str) -> dict[str, str]:
    """A mapping of texts; raises ValueError for anything else."""
    found = _decode(text)
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise ValueError("no mapping of texts")
    return found


def _check_row(kind: Any, key: Any, remote_id: Any, since: Any, run: Any, managed_since: Any) -> None:
    """Raises KeyError or TypeError for an unknown kind and for columns of another type."""
    KINDS[kind]
    if type(since) is not float or type(run) is not int or type(managed_since) is not int:
        raise TypeError("no number")
    if type(key) is not str or (remote_id is not None and type(remote_id) is not str):
        raise TypeError("no text")


def reduce_rows(entries: Entries, kind: str, rows: Iterable[Any], desired: Mapping[str, Desired]) -> list[str]:
    """Reduce the rows of one kind that equal their desired resources, and return the keys of the others.

    ``rows`` have the columns of DECISIVE; ``desired`` holds the resources of the kind by key.
    """
    reduced, others = entries.reduced(kind), []
    agreed = (_EndsComparison(entries, kind) if kind in DERIVED else _Comparison()).agreed
    for row in rows:
        want = desired.get(row[0])
        try:
            found = None if want is None else agreed(row, want)
        except UNREADABLE:
            found = None  # reported by add_row
        if want is None or found is None:
            others.append(row[0])
        else:
            reduced[want.key] = found
    return others


def add_row(entries: Entries, row: Any, want: Desired | None) -> None:
    """Decode a row, with columns in the order of the table, and add its entry; LedgerError for a damaged row.

    ``want`` is the desired resource of the same address; an entry with equal attributes shares them.
    """
    try:
        entry = _entry(row, want)
    except UNREADABLE:
        name = f"{row[0]}/{row[1]}"
        raise LedgerError(f"the ledger's row of {name} is damaged; run `reconciler ledger forget '{name}'`") from None
    entries.kept[entry.address] = entry


class _Comparison:
    """Compares the rows of one kind with their desired resources, as text, which is cheaper than decoding it.

    Neighbouring rows usually have the same block and run, so what was made of these columns is kept for the next row.
    """

    def __init__(self) -> None:
        self._part: Address | None = None
        self._part_text: str | None = None
        self._columns: list[Any] = []
        self._relation = Agreed(None)

    def agreed(self, row: Any, want: Desired) -> Agreed | None:
        """The reduced row if it equals ``want`` and the account returned every value as sent; None otherwise."""
        key, remote_id, applied, answered, digests, state, lifecycle, former, part_of, *columns = row
        if digests or type(remote_id) is not str or answered != NOTHING or state != _SETTLED:
            return None
        guard = want.lifecycle
        if (lifecycle is not None or guard is not NO_LIFECYCLE) and lifecycle != _lifecycle_text(guard):
            return None
        if former != (str(want.former) if want.former else None):
            return None
        if want.part_of is not self._part:
            self._part, self._part_text = want.part_of, addresses_text([want.part_of] if want.part_of else ())
        if part_of != self._part_text:
            return None
        if columns != self._columns:
            self._columns, self._relation = columns, _relation(*columns)
        return self._reduced(key, remote_id, applied, want)

    def _reduced(self, key: str, remote_id: str, applied: str, want: Desired) -> Agreed | None:
        return Agreed(remote_id, self._relation.written) if applied == attrs_text(want.attrs) else None


class _EndsComparison(_Comparison):
    """Compares relations that are nothing but their two ends: text and remote id are made of the parts of the key."""

    def __init__(self, entries: Entries, kind: str) -> None:
        super().__init__()
        parents = KINDS[kind].parents
        self._ends = [(place, _ids_by_quoted_key(entries, parents[place].ref or "")) for place in DERIVED[kind]]
        self._text = attrs_text({each.name: Ref(Address(each.ref or "", "%s")) for each in parents})
        self._order = sorted(range(2), key=lambda place: parents[place].name)

    def _reduced(self, key: str, remote_id: str, applied: str, want: Desired) -> Agreed | None:
        parts = _quote(key)[1:-1].split("/")
        first, second = self._order
        (owner, owner_ids), (end, end_ids) = self._ends
        is_same_id = remote_id == remote_id_of(owner_ids.get(parts[owner], ""), end_ids.get(parts[end], ""))
        return self._relation if is_same_id and applied == self._text % (parts[first], parts[second]) else None


def _ids_by_quoted_key(entries: Entries, kind: str) -> dict[str, str]:
    """The remote ids of a kind by key, as it is written in JSON."""
    return {_quote(key)[1:-1]: remote_id for remote_id, key in entries.keys_by_id(kind).items()}


@lru_cache(1024)
def _relation(provenance: str, since: float, run: int, managed_since: int) -> Agreed:
    """The reduced row of a relation without an id of its own; shared by all rows written together."""
    if type(since) is not float or type(run) is not int or type(managed_since) is not int:
        raise TypeError("no number")
    return Agreed(None, Written(_PROVENANCE[provenance], since, run, managed_since))


def _entry(row: Any, want: Desired | None) -> LedgerEntry:
    kind, key, remote_id, applied, answered, digests, depends_on, origin = row[:8]
    lifecycle, provenance, former, part_of, state, since, run, managed_since = row[8:]
    _check_row(kind, key, remote_id, since, run, managed_since)
    attrs = attrs_value(applied)
    attrs = want.attrs if want and want.attrs == attrs else attrs
    return LedgerEntry(
        address=Address(kind, key),
        remote_id=remote_id,
        applied=attrs,
        answered=attrs if answered == SAME else attrs_value(answered),
        digests=texts_value(digests) if digests else EMPTY,
        depends_on=_addresses(depends_on) if depends_on else (),
        origin=origin_value(origin) if origin else None,
        lifecycle=_lifecycle_value(lifecycle) if lifecycle else _NO_LIFECYCLE,
        provenance=_PROVENANCE[provenance],
        former=Address.parse(former) if former else None,
        part_of=_addresses(part_of)[0] if part_of else None,
        state=_STATE[state],
        since=_shared(since),
        run=run,
        managed_since=managed_since,
    )


@lru_cache(64)
def _shared(moment: float) -> float:
    """One object for equal times, because all entries of a run have few different ones."""
    return moment


def mark(name: str) -> str:
    """The part of the JSON form of a string that is between its first two quotes."""
    return _encode(name).split('"')[1]


def follow(text: str | None, names: Mapping[str, str], marks: frozenset[str]) -> str | None:
    """The text of a column with old addresses replaced by new ones in references and dependencies.

    ``marks`` holds the :func:`mark` of each old name; rows without any of them are not decoded.
    """
    if text is None or marks.isdisjoint(text.split('"')):
        return text
    return _encode(_follow(_decode(text), names))


def _follow(value: Any, names: Mapping[str, str]) -> Any:
    """Replaces addresses in ``{"$ref": …}``, also inside ``{"$set": […]}``, and in a list of dependencies."""
    if isinstance(value, dict):
        return {n: names.get(v, v) if n == "$ref" else _follow_inside(v, names) for n, v in value.items()}
    if isinstance(value, list):
        return [names.get(item, item) if isinstance(item, str) else _follow(item, names) for item in value]
    return value


def _follow_inside(value: Any, names: Mapping[str, str]) -> Any:
    """The same inside an attribute, whose strings are values of the user and never addresses."""
    if isinstance(value, list):
        return [item if isinstance(item, str) else _follow(item, names) for item in value]
    return _follow(value, names)


@dataclass(frozen=True, slots=True)
class Key:
    """A key that digests secrets and signs plan files."""

    secret: bytes = field(repr=False)

    def digest(self, name: str, value: str) -> str:
        """See :func:`digest`."""
        return digest(self.secret, name, value)

    def sign(self, content: bytes) -> str:
        """See :func:`sign`."""
        return sign(self.secret, content)


def digest(key: bytes, name: str, value: str) -> str:
    """HMAC-SHA256 in hex; the same value under another name has another digest."""
    return _mac(key, b"value", name.encode(errors="surrogatepass"), value.encode(errors="surrogatepass"))


def sign(key: bytes, content: bytes) -> str:
    """HMAC-SHA256 in hex over a whole file; never equal to a :func:`digest`."""
    return _mac(key, b"seal", b"", content)


def _mac(key: bytes, domain: bytes, name: bytes, value: bytes) -> str:
    """HMAC of the three parts, each after its length, so that different triples never give the same bytes."""
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in (domain, name, value))
    return hmac.new(key, framed, hashlib.sha256).hexdigest()
