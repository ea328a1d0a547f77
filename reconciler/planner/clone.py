"""The desired state of a clone: one account's resources for another account, with contacts anonymized.

source                        target
──────────────────────────────────────────────────────────────────────────────────────────────────
a tag, a field                the same, by natural key
an allowed contact            the same contact
any other contact             pseudonym @ domain; names are pseudonyms, no personal field, same language and country
a relation                    the same relation between the cloned resources
a webhook                     the same, with the URL that the user gives, or omitted

Text that contains an e-mail address which is not allowed is never copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import quote

from reconciler.errors import Refused
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.email import identity
from reconciler.model.resource import Desired, DesiredState, Ledger, Live
from reconciler.model.values import Address, Attrs, Origin, Ref, Secret, Value, replace_refs, unescape
from reconciler.planner.inverse import lacking
from reconciler.planner.matched_state import MatchedState

_EMAIL = re.compile(r"[^\s<>()\[\]{}\",;:/\\|=&?]+@[^\s<>()\[\]{}\",;:/\\|=&?@]+")
_AROUND = "'`.*!"

#: Kinds that are cloned by default: without personal data and without effects elsewhere.
HARMLESS = frozenset(
    kind.name
    for kind in KINDS.values()
    if kind.writable and not kind.person and not kind.parents and not any(each.from_env for each in kind.fields)
)
#: Kinds with personal data.
OF_PEOPLE = frozenset(
    kind.name for kind in KINDS.values() if kind.person or any(KINDS[f.ref or ""].person for f in kind.parents)
)


@dataclass(frozen=True)
class CloneChoice:
    """Options of a clone.

    ``mark`` returns a stable pseudonym for an address, ``allowed`` are patterns of addresses that are copied as they
    are, ``url`` and ``secret`` replace those of webhooks.
    """

    kinds: frozenset[str]
    origin: Origin
    mark: Callable[[str], str]
    domain: str = ""
    allowed: tuple[str, ...] = ()
    url: str = ""
    secret: Secret | None = None


class LeftOut(NamedTuple):
    """An omitted resource: its kind, its name (never a person's), and the reason."""

    kind: str
    what: str
    why: str


@dataclass(frozen=True)
class ClonedState:
    """The state for the target, omitted resources, number of anonymized contacts, and patterns without a match."""

    state: DesiredState
    left: tuple[LeftOut, ...] = ()
    replaced: int = 0
    unmatched: tuple[str, ...] = ()


def clone(found: MatchedState, choice: CloneChoice) -> ClonedState:
    """The selected part of an account as desired state of another one.

    Raises Refused if the domain of the anonymized addresses has real contacts.
    """
    cloning = _Cloning(found, choice)
    live = [found.live[address] for address in sorted(found.live)]
    for each in live:
        if not KINDS[each.address.kind].parents:
            cloning.root(each)
    if cloning.replaced:
        _refuse_inhabited(found, choice.domain)
    for each in live:
        if KINDS[each.address.kind].parents and each.address.kind in choice.kinds:
            cloning.relation(each)
    unmatched = tuple(pattern for pattern in choice.allowed if pattern not in cloning.used)
    state = DesiredState(cloning.resources, choice.kinds)
    return ClonedState(state, tuple(cloning.left), len(cloning.replaced), unmatched)


@dataclass
class _Cloning:
    found: MatchedState
    choice: CloneChoice
    resources: dict[Address, Desired] = field(default_factory=dict)
    names: dict[Address, Address] = field(default_factory=dict)
    left: list[LeftOut] = field(default_factory=list)
    replaced: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.exact = {identity(pattern): pattern for pattern in self.choice.allowed}
        self.globs = [pattern for pattern in self.choice.allowed if any(char in pattern for char in "*?[")]

    def root(self, live: Live) -> None:
        """Clone a resource that is not a relation, if its kind is selected; records its new address."""
        kind = KINDS[live.address.kind]
        if not kind.writable:
            if not live.address.key.startswith("#"):
                self.names[live.address] = kind.address(live.attrs)
            return
        attrs = self._sayable(kind, self._anyone(kind, _said(kind, live.attrs)))
        if attrs is None:
            return
        self.names[live.address] = address = kind.address(attrs)
        if kind.name in self.choice.kinds and live.address.key not in kind.reserved:
            self._want(kind, address, self._redirected(kind, attrs))

    def relation(self, live: Live) -> None:
        """Clone a relation between two cloned resources; omitted if one of them is."""
        kind = KINDS[live.address.kind]
        attrs = _said(kind, live.attrs)
        lost = [v.target for v in attrs.values() if isinstance(v, Ref) and v.target not in self.names]
        if lost:
            self._leave(kind, attrs, self._why_lost(lost[0]))
            return
        mapped = replace_refs(attrs, self.names) or attrs
        if wanted := self._sayable(kind, mapped):
            self._want(kind, kind.address(wanted), wanted)

    def _want(self, kind: Kind, address: Address, attrs: Attrs | None) -> None:
        if attrs is None:
            why = "sent elsewhere; --webhook-url and --webhook-secret-env say where to instead"
            self.left.append(LeftOut(kind.name, unescape(address.key), why))
            return
        if missing := lacking(kind, attrs):
            self._leave(kind, attrs, f"{', '.join(missing)} cannot be read of the source")
            return
        self.resources.setdefault(address, Desired(address, attrs, self.choice.origin))

    def _why_lost(self, target: Address) -> str:
        word = target.kind.replace("_", " ")
        if not target.key.startswith("#"):
            return f"its {word} is left out"
        if target not in self.found.live:
            return f"its {word} was not read"
        return f"the source has more than one {word} of that name"

    def _leave(self, kind: Kind, attrs: Attrs, why: str) -> None:
        """Record an omitted resource, without naming a person."""
        called = _called(kind, attrs, self.found)
        self.left.append(LeftOut(kind.name, "" if self._spells_somebody(called) else called, why))

    # people

    def _anyone(self, kind: Kind, attrs: Attrs) -> Attrs:
        """The contact, or its pseudonym."""
        if not kind.person or self._may_name(str(attrs[kind.key[0]])):
            return attrs
        mark = "p-" + self.choice.mark(identity(str(attrs[kind.key[0]])))
        self.replaced.add(mark)
        kept = {
            name: mark if kind.field(name).pseudonymized else value
            for name, value in attrs.items()
            if kind.field(name).pseudonymized or not kind.field(name).personal
        }
        return {**kept, kind.key[0]: f"{mark}@{self.choice.domain}"}

    def _may_name(self, email: str) -> bool:
        text = identity(email)
        matching = [self.exact[text]] if text in self.exact else []
        matching += [pattern for pattern in self.globs if fnmatchcase(text, identity(pattern))]
        self.used.update(matching)
        return bool(matching)

    def _sayable(self, kind: Kind, attrs: Attrs) -> Attrs | None:
        """The attributes without texts that contain an address; None if a required one does."""
        known = {each.name for each in kind.fields if each.from_env or (kind.person and each.name in kind.key)}
        texts = {name: value for name, value in attrs.items() if isinstance(value, str) and name not in known}
        loud = [name for name, text in texts.items() if self._spells_somebody(text)]
        needed = [name for name in loud if name in kind.key or kind.field(name).required]
        for name in (needed or loud) if kind.name in self.choice.kinds else ():
            what = "" if needed or kind.person else unescape(kind.address(attrs).key)
            self.left.append(LeftOut(kind.name, what, f"{name} spells the e-mail address of somebody"))
        return None if needed else {name: value for name, value in attrs.items() if name not in loud}

    def _spells_somebody(self, text: str) -> bool:
        if "@" not in text and "%40" not in text:
            return False
        plain = text.replace("%40", "@")
        spelled = [each.strip(_AROUND) for each in _EMAIL.findall(plain)] or re.findall(r"\S@\S", plain)
        return any(not self._is_ours(each) and not self._may_name(each) for each in spelled)

    def _is_ours(self, email: str) -> bool:
        return bool(self.choice.domain) and identity(email).endswith(f"@{self.choice.domain}")

    # what is sent elsewhere

    def _redirected(self, kind: Kind, attrs: Attrs) -> Attrs | None:
        """The webhook with the given URL, made unique as the account requires."""
        outlets = [each.name for each in kind.fields if each.from_env]
        if not outlets:
            return attrs
        if not self.choice.url or self.choice.secret is None:
            return None
        name = quote(unescape(kind.address(attrs).key), safe="")
        url = f"{self.choice.url}{'&' if '?' in self.choice.url else '?'}{kind.name}={name}"
        secrets = {each.name: self.choice.secret for each in kind.fields if each.sensitive}
        return {**attrs, **dict.fromkeys(outlets, url), **secrets}


def _said(kind: Kind, attrs: Attrs) -> dict[str, Value]:
    """The attributes that files can declare."""
    return {name: value for name, value in attrs.items() if value is not None and not kind.field(name).note_only}


def _called(kind: Kind, attrs: Attrs, found: MatchedState) -> str:
    """The name of a relation's target; of other resources their own, unless it is a person's."""
    for each in kind.parents:
        value = attrs.get(each.name)
        if isinstance(value, Ref) and not KINDS[value.target.kind].person:
            live = found.live.get(value.target)
            target = KINDS[value.target.kind].address(live.attrs) if live else value.target
            return unescape(target.key)
    return "" if kind.person else unescape(kind.address(attrs).key)


def _refuse_inhabited(found: MatchedState, domain: str) -> None:
    people = [address for address in found.live if KINDS[address.kind].person]
    inhabited = sum(1 for address in people if unescape(address.key).endswith(f"@{domain}"))
    if inhabited:
        raise Refused(
            f"{inhabited:,} of the source's contacts have addresses at {domain}, so anonymized ones may collide; "
            "use another domain with --domain. Nothing was changed"
        )


def grouped(left: Iterable[LeftOut]) -> dict[tuple[str, str], dict[str, int]]:
    """The omitted resources by kind and reason, with counts."""
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for each in left:
        names = groups.setdefault((each.kind, each.why), {})
        names[each.what] = names.get(each.what, 0) + 1
    return groups


def as_recorded(state: DesiredState, ledger: Ledger) -> DesiredState:
    """The state under the addresses in the target's ledger, with the fields that are managed there.

    Fields that a clone does not set stay managed as they were, since no file stopped declaring them.
    """
    whole = {address: e for address, e in ledger.entries.items() if KINDS[address.kind].key[0] in e.applied}
    known = {KINDS[a.kind].address(entry.applied): a for a, entry in whole.items() if not KINDS[a.kind].parents}
    recorded = {}
    for desired in state.resources.values():
        kind = KINDS[desired.address.kind]
        attrs: Attrs = replace_refs(desired.attrs, known) or desired.attrs
        address = kind.address(attrs) if kind.parents else known.get(desired.address, desired.address)
        each = desired.replaced(address=address, attrs=attrs)
        if entry := ledger.entries.get(address):
            each = each.replaced(
                attrs={**entry.applied, **attrs},
                lifecycle=entry.lifecycle,
                former=entry.former,
                part_of=entry.part_of,
            )
        recorded[address] = each
    return replace(state, resources=recorded)


def referred(state: DesiredState) -> frozenset[Address]:
    """The addresses that the state refers to and does not contain."""
    resources = state.resources
    targets = (t for each in resources.values() for t in KINDS[each.address.kind].refers_to(each.attrs))
    return frozenset(target for target in targets if target not in resources)


def without(state: DesiredState, lost: Mapping[Address, str]) -> tuple[DesiredState, tuple[LeftOut, ...]]:
    """The state without resources that refer to an address in ``lost``; a map field loses only the entry."""
    kept: dict[Address, Desired] = {}
    left: list[LeftOut] = []
    for desired in state.resources.values():
        kind = KINDS[desired.address.kind]
        whole = [v.target for v in desired.attrs.values() if isinstance(v, Ref) and v.target in lost]
        if whole:
            left.append(LeftOut(kind.name, _name(whole[0]), lost[whole[0]]))
            continue
        loose = {name: t for name in desired.attrs for t in kind.refers_to({name: None}) if t in lost}
        left += [LeftOut(kind.name, name, lost[target]) for name, target in loose.items()]
        attrs = {name: value for name, value in desired.attrs.items() if name not in loose}
        kept[desired.address] = desired.replaced(attrs=attrs) if loose else desired
    return replace(state, resources=kept), tuple(left)


def _name(address: Address) -> str:
    return unescape(address.key.rpartition("/")[2])
