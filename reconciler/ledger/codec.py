"""Entries and attributes into rows of text and back; no value of a secret passes.

Keyed digests: how the ledger compares secrets, and signs plan files, without storing a secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from reconciler.errors import DamagedValue, LedgerError
from reconciler.kinds import KINDS
from reconciler.model.resource import EMPTY, Desired, EntryState, LedgerEntry, Lifecycle, Provenance
from reconciler.model.serialization import from_json, to_json
from reconciler.model.values import Address, Attrs, Origin, Secret, Value
from reconciler.planner.kept import CompactEntry, Held
from reconciler.planner.kept import depends_on as depends_on_now

#: ASCII, so that half a surrogate pair in an answer is text like any other.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_scan = json.JSONDecoder().raw_decode

#: In the column ``answered``: the same as ``applied``, as it is for nearly every entry.
SAME = "="
#: The same where the account shows nothing otherwise than it was sent.
NOTHING = "{}"

#: What JSON gives back as it was, asked for by exact type: this runs for each attribute of each entry.
_PLAIN = frozenset((str, int, bool, type(None)))

_PROVENANCE = {member.value: member for member in Provenance}
_STATE = {member.value: member for member in EntryState}
_SETTLED = EntryState.SETTLED.value
_NO_LIFECYCLE = Lifecycle()


#: What decoding raises for a value that no reconciler wrote.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError)


@contextmanager
def decoding() -> Iterator[None]:
    """Raises DamagedValue for what decoding a stored value raises; nothing else belongs into the block."""
    try:
        yield
    except UNREADABLE:
        raise DamagedValue from None


def check_types(*wanted: tuple[Any, Any]) -> None:
    """Raises TypeError for a stored value of another type: SQLite takes any in every column."""
    for value, types in wanted:
        if not isinstance(value, types):
            raise TypeError(f"{type(value).__name__} in a column of the ledger")


def _decode(text: str) -> Any:
    """Of what :func:`_encode` wrote, so without a look for white space around it: this runs for every row."""
    return _scan(text)[0]


def attrs_text(attrs: Attrs) -> str:
    """Attributes as one line of JSON; a secret is only a mark that names its source."""
    return _encode({n: v if type(v) is str else to_json(v) for n, v in sorted(attrs.items())})


def attrs_value(text: str) -> Attrs:
    """The inverse of :func:`attrs_text`; raises ValueError."""
    if text == "{}":
        return EMPTY
    return {n: v if type(v) in _PLAIN else _marked(v) for n, v in _decode(text).items()}


def _marked(value: Any) -> Value:
    """:func:`from_json`, with a short cut for a set of texts, which most entries have."""
    if type(value) is dict and len(value) == 1 and "$set" in value:
        items = value["$set"]
        if all(type(item) is str for item in items):
            return frozenset(items)
    return from_json(value)


def plain(text: str) -> str:
    """Text from outside that every database takes: no NUL, no half surrogate pairs."""
    return text.encode(errors="replace").decode().replace("\x00", "")


def to_row(entry: LedgerEntry) -> dict[str, Any]:
    """The columns of an entry; defaults are NULL."""
    applied = attrs_text(entry.applied)
    answered = attrs_text(_without_secrets(entry.answered, entry.applied))
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
    """A server that echoes what was sent as a secret must not bring it in by the back door."""
    hidden = {name for name, value in applied.items() if isinstance(value, Secret)}
    return {n: v for n, v in answered.items() if n not in hidden} if hidden else answered


def addresses_text(addresses: Iterable[Address]) -> str | None:
    """Addresses as a JSON list, or NULL for none."""
    texts = [str(address) for address in addresses]
    return _encode(texts) if texts else None


def origin_text(origin: Origin) -> str:
    """``line:column:file``: a file's name may hold colons, and this is split a hundred thousand times."""
    return f"{origin.line}:{origin.column}:{_file_name(origin.file)}"


@lru_cache(256)
def _file_name(text: str) -> str:
    """A project has few files, and this is asked for every relation."""
    return plain(text)


def origin_value(text: str) -> Origin:
    """The inverse of it."""
    line, column, file = text.split(":", 2)
    return Origin(file, int(line), int(column))


@lru_cache(1024)
def _addresses(text: str) -> tuple[Address, ...]:
    return tuple(map(Address.parse, _decode(text)))


def _place(text: str, want: Desired | None) -> Origin:
    """Nearly always where the files have it still."""
    found = origin_value(text)
    return want.origin if want and want.origin == found else found


def _says(text: str | None, targets: tuple[Address, ...]) -> bool:
    """Whether the column names these."""
    if text is None or not targets:
        return text is None and not targets
    return text == '["' + '","'.join(map(str, targets)) + '"]' or text == addresses_text(targets)


def _dependencies(text: str, kind: str, attrs: Attrs) -> tuple[Address, ...]:
    """Nearly always those of the attributes, whose addresses are there already."""
    targets = KINDS[kind].refers_to(attrs)
    return targets if _says(text, targets) else _addresses(text)


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


def from_row(row: Any, want: Desired | None = None) -> Held:
    """The inverse of :func:`to_row`, columns in the table's order; raises LedgerError for a damaged row.

    ``want`` is what the files say of the same resource; where that is all that the row says, it is said once.
    """
    (kind, key, remote_id, applied, answered, digests, depends_on, origin, lifecycle, provenance, former, part_of,
     state, since, run, managed_since) = row  # fmt: skip
    try:
        _check_row(kind, key, remote_id, since, run, managed_since)
        attrs = attrs_value(applied)
        said = want is not None and want.attrs == attrs
        attrs = want.attrs if want and said else attrs
        if want and said and origin and answered == NOTHING and state == _SETTLED:
            here = want.origin == (was := origin_value(origin))
            if not (digests or lifecycle or former or part_of) and _says(depends_on, depends_on_now(want)):
                return CompactEntry(
                    want, remote_id, _made(provenance, run, managed_since), _once(since), None if here else was
                )
        return LedgerEntry(
            address=want.address if want else Address(kind, key),
            remote_id=remote_id,
            applied=attrs,
            answered=attrs if answered == SAME else attrs_value(answered),
            digests=texts_value(digests) if digests else EMPTY,
            depends_on=_dependencies(depends_on, kind, attrs if said else EMPTY) if depends_on else (),
            origin=_place(origin, want) if origin else None,
            lifecycle=_lifecycle_value(lifecycle) if lifecycle else _NO_LIFECYCLE,
            provenance=_PROVENANCE[provenance],
            former=Address.parse(former) if former else None,
            part_of=_addresses(part_of)[0] if part_of else None,
            state=_STATE[state],
            since=since,
            run=run,
            managed_since=managed_since,
        )
    except UNREADABLE:
        raise LedgerError(
            f"the ledger's row of {kind}/{key} is damaged; run `reconciler ledger forget '{kind}/{key}'`"
        ) from None


@lru_cache(1024)
def _made(provenance: str, run: int, managed_since: int) -> tuple[Provenance, int, int]:
    return _PROVENANCE[provenance], run, managed_since


@lru_cache(64)
def _once(moment: float) -> float:
    """The same: what one run writes carries few moments."""
    return moment


@lru_cache(4096)
def quoted(text: str) -> str:
    """Text as it stands between the quotes of JSON."""
    return _encode(text)[1:-1]


def mark(name: str) -> str:
    """The part of a string that stands between two quotes wherever the string stands in JSON."""
    return _encode(name).split('"')[1]


def follow(text: str | None, names: Mapping[str, str], marks: frozenset[str]) -> str | None:
    """A column's text whose references and dependencies follow resources to their new addresses.

    ``marks`` are the :func:`mark` of each old name; they sort out nearly all rows without decoding them.
    """
    if text is None or marks.isdisjoint(text.split('"')):
        return text
    return _encode(_follow(_decode(text), names))


def _follow(value: Any, names: Mapping[str, str]) -> Any:
    """Addresses stand in ``{"$ref": …}`` and in the list of dependencies; ``{"$set": [...]}`` may hold references."""
    if isinstance(value, dict):
        return {n: names.get(v, v) if n == "$ref" else _follow_inside(v, names) for n, v in value.items()}
    if isinstance(value, list):
        return [names.get(item, item) if isinstance(item, str) else _follow(item, names) for item in value]
    return value


def _follow_inside(value: Any, names: Mapping[str, str]) -> Any:
    """The strings of an attribute are the user's and stay, also those in a set."""
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
    """Lengths go in before the parts, so that no two triples give the same bytes."""
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in (domain, name, value))
    return hmac.new(key, framed, hashlib.sha256).hexdigest()
