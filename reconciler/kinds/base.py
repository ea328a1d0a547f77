"""The types that a kind is declared with: its fields, API calls, where it is read, and its effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from reconciler.kinds.email import identity
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action
from reconciler.model.policy import Allow, Prune
from reconciler.model.resource import EMPTY
from reconciler.model.values import Address, Attrs, Ref, Value, escape


class Template(NamedTuple):
    """Method and native path of a call; ``{id}`` is the remote id, ``{name}`` that of the REF field ``name``."""

    method: str
    path: str


class Collection(NamedTuple):
    """Read as a list; ``paged`` by cursor, or in one answer (api.md §3: contact fields and webhooks).

    ``unique``: Systeme.io allows only one of each natural key.
    """

    path: str
    paged: bool = True
    unique: bool = False


class Embedded(NamedTuple):
    """Read inside the items of another kind, under the key ``wire``.

    ``filter`` is a parameter of the parent's list: given the id of the other end, it lists the parents that have it.
    """

    parent: str
    wire: str
    filter: str = ""


class PerParent(NamedTuple):
    """Read for one parent at a time, given as ``parameter``; the items do not name their parent.

    ``absent`` is the meaning of a 404 of the list, ``limit`` the page size.
    """

    path: str
    parameter: str
    parent: str
    absent: str
    limit: int

    def query(self, parent: str | int) -> dict[str, str | int]:
        """The query for the items of the parent with this id."""
        return {self.parameter: parent, "limit": self.limit}


class Lookup(NamedTuple):
    """A list filtered to (nearly) one natural key; ``query`` maps parameters to field names."""

    path: str
    query: Mapping[str, str] = EMPTY


class Sugar(NamedTuple):
    """Short form inside the parent's block: each item of ``parent.key`` gives this kind's field ``fills``.

    ``authoritative_key`` is the key of the parent's block that makes the list authoritative.
    """

    parent: str
    key: str
    fills: str
    doc: str
    preset: Mapping[str, Value] = EMPTY
    authoritative_key: str = ""


Item = Mapping[str, Any]
Decode = Callable[[Item, "Wire"], dict[str, Value]]
Encode = Callable[[Mapping[str, Value], "Wire"], dict[str, Any] | None]
#: Returns every text by which the last field of the natural key may name an item.
ReferenceNames = Callable[[Item], tuple[str, ...]]


class WriteApproval(NamedTuple):
    """The ``--allow`` class that each write of a kind needs, with an exact count, and its consequence in words."""

    allow: Allow
    what: str


class Wire(NamedTuple):
    """A kind in one dialect: wire names by field, immutable fields, fields that every write must repeat.

    ``slugs`` are the account's contact fields, if known.
    """

    names: Mapping[str, str] = EMPTY
    immutable: frozenset[str] = frozenset()
    repeats: tuple[str, ...] = ()
    slugs: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """One type of resource, as data.

    ``key``: the fields of the natural key. ``alternates``: other wire keys by which a reference may name a live
    resource. ``gather``: the REF field that YAML may give as a list under its plural, or as the rows of a CSV source.
    ``csv_source``: the key field that the rows of a CSV source may give, one resource each. ``authoritative``: the
    REF field for whose target a block may be authoritative. ``by_id``: a managed resource is identified by its remote
    id first. ``chain``: the field whose target takes one write at a time. ``last``: created after all others and
    deleted before them. ``dies_with``: the REF fields whose deletion deletes this resource too. ``replaceable``: a
    changed immutable field may be applied by delete and create. ``person``: the resource is a human being, so
    deleting it, and creating it again after it was erased, need approval. ``reserved``: keys that exist in every
    account and are never deleted. ``accepted``: a create is only accepted (202) and appears later. ``irreversible``:
    an update cannot be reverted and the account refuses a second one, so reading decides whether it happened.
    ``approval``: what each write needs. ``reference_names``: see :data:`ReferenceNames`; None means by the key's
    value alone.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    source: Collection | Embedded | PerParent
    section: str = ""
    short: bool = False
    create: Template | None = None
    update: Template | None = None
    delete: Template | None = None
    show: Template | None = None
    lookup: Lookup | None = None
    remote_id: str = "id"
    by_id: bool = False
    alternates: tuple[str, ...] = ()
    gather: str = ""
    csv_source: str = ""
    authoritative: str = ""
    sugar: Sugar | None = None
    chain: str = ""
    last: bool = False
    accepted: bool = False
    irreversible: bool = False
    approval: WriteApproval | None = None
    replaceable: bool = False
    person: bool = False
    reserved: frozenset[str] = frozenset()
    dies_with: tuple[str, ...] = ()
    prune: Prune = Prune.NONE
    effects: Mapping[Action, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    decode: Decode | None = None
    encode: Encode | None = None
    reference_names: ReferenceNames | None = None

    @property
    def rows(self) -> str:
        """The field that each row of a CSV source gives; empty if the kind has no CSV sources."""
        return self.csv_source or self.gather

    @cached_property
    def authoritative_end(self) -> str:
        """The REF field for whose target a list may be authoritative; empty if none."""
        owner = self.sugar.parent if self.sugar and self.sugar.authoritative_key else None
        return self.authoritative or next((each.name for each in self.parents if each.ref == owner), "")

    @cached_property
    def parents(self) -> tuple[Field, ...]:
        """The REF fields of the natural key: a kind that has them is a relation."""
        return tuple(self.field(name) for name in self.key if self.field(name).shape is FieldShape.REF)

    @cached_property
    def _emails(self) -> frozenset[str]:
        return frozenset(each.name for each in self.fields if each.is_email)

    @cached_property
    def refs(self) -> tuple[Field, ...]:
        """All REF fields, of the natural key or not."""
        return tuple(each for each in self.fields if each.shape is FieldShape.REF)

    @property
    def renameable(self) -> bool:
        """Whether the natural key of a live resource can be changed."""
        return not self.parents and self.update is not None and not self.field(self.key[0]).immutable

    def refers_to(self, attrs: Attrs) -> tuple[Address, ...]:
        """The addresses that must exist, or whose remote id is needed, before these attributes are written."""
        found: list[Address] = []
        for name, value in attrs.items():
            if isinstance(value, Ref):
                found.append(value.target)
            elif isinstance(value, frozenset):
                found += sorted(item.target for item in value if isinstance(item, Ref))
            elif "." in name and (target := self._entries.get(name) or self._entry(name)):
                found.append(target)
        return tuple(found)

    @cached_property
    def _entries(self) -> dict[str, Address]:
        """The addresses that entries of map fields refer to; cached, since few names occur in many resources."""
        return {}

    def _entry(self, name: str) -> Address | None:
        if (kind := self.field(name).ref) is None:
            return None
        return self._entries.setdefault(name, Address(kind, escape(name.partition(".")[2])))

    @property
    def writable(self) -> bool:
        """Whether the API can create one; the others are only targets of references."""
        return self.create is not None

    @cached_property
    def _by_name(self) -> Mapping[str, Field]:
        return {each.name: each for each in self.fields}

    def field(self, name: str) -> Field:
        """The field of an attribute; ``fields.company`` belongs to the field ``fields``."""
        found = self._by_name.get(name) or self._by_name.get(name.partition(".")[0])
        if found is None:
            raise KeyError(f"{self.name} has no field {name}")
        return found

    def address(self, attrs: Attrs) -> Address:
        """The address for the natural key in ``attrs``; the only constructor of addresses.

        A relation with an ``id`` uses it in place of the last part.
        """
        parts = []
        for name in self.key:
            value = attrs.get(name)
            parts.append(value.target.key if type(value) is Ref else self.part(name, str(value)))
        if self.parents and attrs.get(self.remote_id) is not None:
            parts[-1] = self.by_remote_id(str(attrs[self.remote_id])).key
        return Address(self.name, "/".join(parts))

    def part(self, name: str, text: str) -> str:
        """The escaped part of an address for a key field; an e-mail address is reduced to its identity."""
        return escape(identity(text) if name in self._emails else text)

    def by_handle(self, handle: str) -> Address:
        """The address of a resource that carries a handle of its own."""
        return Address(self.name, "@" + escape(handle))

    def by_remote_id(self, remote_id: str) -> Address:
        """The address of a live resource whose natural key is not unique, or that a reference names by id."""
        return Address(self.name, "#" + escape(remote_id))

    def by_property(self, name: str, value: str) -> Address:
        """The address by which a reference names a live resource through another property, e.g. a course's path."""
        return Address(self.name, f"?{name}={escape(value)}")
