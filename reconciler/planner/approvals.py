"""Decides which approvals (``--allow``) a plan needs under the limits of the run.

class      needed when                                                                          N counts
─────────────────────────────────────────────────────────────────────────────────────────────────────────────
deletes    deletions and replacements hit more than ``deletes`` percent of the managed          deletions and
           resources, or of the managed people, from ``floor`` of them on                       replacements
           a deleted tag or field is taken from ``floor`` or more unmanaged people
           more than ``deletes`` percent of an authoritative list, or of its people, would go
           a deletion and a creation look like a rename
updates    updates hit more than ``updates`` percent of the managed resources or people         updates
contacts   a contact is deleted                                                                 contacts
recreate   a managed contact that is gone from the account is created again                     contacts
cancel     a subscription is cancelled                                                          subscriptions
takeover   what another ledger of this account manages would be adopted or deleted              resources
emails     more than ``emails`` people may receive e-mail                                       people
missing    ten or more managed resources of a kind were looked for and none was found           –

Managed means recorded in the ledger. How many unmanaged people the account has is unknown unless it is read whole, so
there is no percentage of them: each of them counts as if it were all (``deletes: 100`` switches that off as well).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from functools import cached_property

from reconciler.kinds import KINDS
from reconciler.kinds.effects import MAILING
from reconciler.model.plan import Action, Cause, Change, Plan, differing
from reconciler.model.policy import COUNTED, UNCOUNTED, Allow, Limits
from reconciler.model.resource import EMPTY, EntryState, LedgerEntry
from reconciler.model.values import Address, Attrs, Ref
from reconciler.planner.impact import AffectedContacts
from reconciler.planner.matched_state import Entries
from reconciler.planner.order import sends
from reconciler.planner.rename_detection import RenameSuggestion

REMOVING = frozenset({Action.DELETE, Action.REPLACE})
#: If none of this many managed resources of a kind exists, the account is probably the wrong one.
SUSPICIOUS = 10


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval that a plan needs: its class, the number N of the class, and the reason as one sentence."""

    allow: Allow
    count: int
    reason: str

    @property
    def flag(self) -> str:
        """The flag that gives the approval."""
        return flag(self.allow, self.count)


def flag(allow: Allow, count: int) -> str:
    """``--allow deletes=3``"""
    return f"--allow {allow.value}" + ("" if allow in UNCOUNTED else f"={count}")


def approvals(
    plan: Plan,
    entries: Mapping[Address, LedgerEntry],
    limits: Limits,
    renames: Iterable[RenameSuggestion] = (),
    *,
    affected: AffectedContacts = EMPTY,
    looked_for: Mapping[Address, LedgerEntry] | None = None,
) -> tuple[Approval, ...]:
    """Every approval that this plan needs, given or not. ``renames`` are deletions that look like renames.

    ``looked_for`` are those of the entries that should have been found, where these are not all.
    """
    guard = _Guard(plan, entries, limits, affected)
    found = [
        *guard.missing(entries if looked_for is None else looked_for),
        *_people(plan),
        *_erased(plan),
        *_taken_over(plan),
        *_asked(plan),
    ]
    found += [Approval(Allow.DELETES, len(guard.removing), str(offer)) for offer in renames]
    found += [*guard.deletions(), *guard.lists(), *guard.updates(), *guard.emails()]
    return tuple(found)


def counts(plan: Plan) -> Mapping[Allow, int]:
    """The number N of each class, whether or not the limits require the approval."""
    nothing = Limits(**{each.name: 0 for each in fields(Limits)})
    return {approval.allow: approval.count for approval in approvals(plan, EMPTY, nothing)}


def closed(
    found: Iterable[Approval], allowed: Mapping[Allow, int | None], reviewed: Mapping[Allow, int] = EMPTY
) -> tuple[Approval, ...]:
    """The approvals that are still missing. A given count must be exact; ``None`` means approved without one.

    ``reviewed`` are the counts of the whole plan of which this is the rest: they are exact too.
    """

    def passes(approval: Approval) -> bool:
        if approval.allow not in allowed:
            return False
        count = allowed[approval.allow]
        return count in (approval.count, reviewed.get(approval.allow, approval.count)) or (
            count is None and approval.allow not in COUNTED
        )

    return tuple(approval for approval in found if not passes(approval))


def vanished(entries: Mapping[Address, LedgerEntry], live: Container[Address]) -> dict[str, int]:
    """Number of missing managed resources by kind, for kinds of which ten or more were sought and none was found."""
    recorded = Entries.of(entries)
    return {
        kind: count
        for kind, count in recorded.counts().items()
        if are_all_gone(recorded, kind, count)
        and not any(Address(kind, key) in live for key in recorded.keys_of(kind))
    }


def are_all_gone(entries: Entries, kind: str, gone: int) -> bool:
    """Whether so many managed resources of a kind are all that there are, ten or more, and none waits to show."""
    is_all = gone == len(entries.keys_of(kind)) and gone >= SUSPICIOUS
    return is_all and all(each.state is EntryState.SETTLED for each in entries.kept.of(kind).values())


def people(changes: Iterable[Change]) -> frozenset[Address]:
    """The contacts that these changes affect, themselves or through a relation."""
    touched: set[Address] = set()
    for change in changes:
        if KINDS[change.address.kind].person:
            touched.add(change.address)
            continue
        touched.update(_named(change.attrs or change.before))
    return frozenset(touched)


def _named(attrs: Attrs) -> Iterable[Address]:
    """The contacts that these attributes refer to."""
    refs = (value.target for value in attrs.values() if isinstance(value, Ref))
    return [target for target in refs if KINDS[target.kind].person]


def affected_count(plan: Plan) -> int:
    """Number of people that the plan affects: contacts in its changes, and contacts that lose something by them."""
    return len(people(change for change in differing(plan.effective) if sends(change))) + plan.bystanders


def mailed(changes: Iterable[Change]) -> frozenset[Address]:
    """The contacts that may receive e-mail because of these changes."""
    return people(change for change in differing(changes) if MAILING.intersection(change.effects))


def managed_people(entries: Mapping[Address, LedgerEntry]) -> frozenset[Address]:
    """The managed contacts: recorded in the ledger, as a resource or as an end of a relation."""
    recorded = Entries.of(entries)
    found: set[Address] = set()
    for entry in recorded.kept.values():
        found.update((entry.address,) if KINDS[entry.address.kind].person else _named(entry.applied))
    for name, rows in recorded.rows.items():
        if KINDS[name].person:
            found.update(Address(name, key) for key in rows)
            continue
        parents = [(place, KINDS[name].field(each).ref or "") for place, each in enumerate(KINDS[name].key)]
        for place, ref in parents:
            if ref and KINDS[ref].person:
                found.update(Address(ref, part) for part in {key.split("/")[place] for key in rows})
    return frozenset(found)


class _Guard:
    """A plan and its limits; managed people are collected only if something is deleted or updated."""

    def __init__(
        self, plan: Plan, entries: Mapping[Address, LedgerEntry], limits: Limits, affected: AffectedContacts
    ) -> None:
        self.plan, self.entries, self.limits, self.affected = plan, entries, limits, affected
        self.changes = list(differing(plan.effective))
        self.removing = [change for change in self.changes if change.action in REMOVING]

    @cached_property
    def managed(self) -> frozenset[Address]:
        return managed_people(self.entries)

    def missing(self, looked_for: Mapping[Address, LedgerEntry]) -> Iterable[Approval]:
        for kind, count in vanished(looked_for, self.plan.ids).items():
            what = f"none of the {count:,} {kind}s in the ledger exists in this account"
            yield Approval(Allow.MISSING, count, f"{what}: it may be the wrong account")

    def deletions(self) -> Iterable[Approval]:
        """The approval for deletions; removals from authoritative lists are counted by :meth:`lists`."""
        hit = [change for change in self.removing if change.cause is not Cause.UNLISTED]
        unmanaged = [c for c in hit if c.action is Action.DELETE and c.address not in self.entries]
        affected = people(hit).union(*(self.affected.get(change.address, ()) for change in hit))
        clause = self._of_resources(len(hit), len(unmanaged), affected) or self._of_people(affected, unmanaged)
        if clause:
            yield Approval(Allow.DELETES, len(self.removing), f"{_removals(self.removing)} {clause}{self._spared()}")

    def _of_resources(self, hit: int, unmanaged: int, affected: Set[Address]) -> str:
        """``affect 4 of 10 managed resources (limit 30%)``; empty below the limit."""
        whole = len(self.entries) + unmanaged
        if not self._is_above(hit, whole, self.limits.deletes):
            return ""
        noun = "managed resources or unmanaged ones to delete" if unmanaged else "managed resources"
        share = f"{self._affect} {hit:,} of {whole:,} {noun} (limit {self.limits.deletes}%)"
        return f"{share} and {_persons(len(affected))}" if affected else share

    def _of_people(self, affected: Set[Address], deleted: Iterable[Change]) -> str:
        """The same in people; unmanaged people are apart, since their total number is unknown."""
        if not affected:
            return ""
        known = self.managed | people(deleted)
        unmanaged, percent = len(affected - known), self.limits.deletes
        if unmanaged >= max(self.limits.floor, 1) and percent < 100:
            others = f"{_persons(len(affected))}, {unmanaged:,} of them unmanaged"
            who = _persons(unmanaged, "unmanaged ") if unmanaged == len(affected) else others
            who = f"at least {who}" if any(change.loss and change.loss.least for change in self.removing) else who
            return f"{self._affect} {who} (approval required from {self.limits.floor:,} on)"
        part = len(affected & known)
        if self._is_above(part, len(known), percent):
            return f"{self._affect} {part:,} of {len(known):,} people (limit {percent}%)"
        return ""

    def lists(self) -> Iterable[Approval]:
        """The approval for removals from authoritative lists: shares of each, and of the people on all of them."""
        for name in sorted({c.address.kind for c in self.changes if c.cause is Cause.UNLISTED}):
            made = (Action.CREATE, Action.FORGET)
            there = [c for c in self.plan.changes if c.address.kind == name and c.action not in made]
            groups: dict[str, list[Change]] = {}
            for change in there:
                owner = (change.attrs or change.before).get(KINDS[name].authoritative_end)
                groups.setdefault(f" of {owner}", []).append(change)
            clauses = (self._of_list(name, whose, group) for whose, group in {**groups, "": there}.items())
            if clause := next(filter(None, clauses), ""):
                reason = f"{_removals(self.removing)} {clause}{self._spared()}"
                yield Approval(Allow.DELETES, len(self.removing), reason)

    def _of_list(self, name: str, whose: str, group: Sequence[Change]) -> str:
        gone = [change for change in group if change.action is Action.DELETE and not change.blocked]
        sides = ((len(gone), len(group), f"{name}s"), (len(people(gone)), len(people(group)), "people"))
        for part, whole, noun in sides:
            if self._is_above(part, whole, self.limits.deletes):
                return f"{self._affect} {part:,} of {whole:,} {noun}{whose} (limit {self.limits.deletes}%)"
        return ""

    def updates(self) -> Iterable[Approval]:
        hit = [c for c in self.changes if c.action is Action.UPDATE or (c.action is Action.ADOPT and c.fields)]
        percent, touched = self.limits.updates, people(hit)
        sides = [(len(hit), len(self.entries), "managed resources")]
        if touched:
            sides.append((len(touched), len(self.managed), "people"))
        for part, whole, noun in sides:
            if self._is_above(part, whole, percent):
                what = "1 update affects" if len(hit) == 1 else f"{len(hit):,} updates affect"
                yield Approval(Allow.UPDATES, len(hit), f"{what} {part:,} of {whole:,} {noun} (limit {percent}%)")
                return

    def emails(self) -> Iterable[Approval]:
        count = len(mailed(self.changes))
        if count > self.limits.emails:
            reason = f"{_persons(count)} may receive e-mail (limit {self.limits.emails:,})"
            yield Approval(Allow.EMAILS, count, reason)

    def _is_above(self, part: int, whole: int, percent: int) -> bool:
        return whole >= self.limits.floor and part * 100 > percent * whole

    @property
    def _affect(self) -> str:
        return "affects" if len(self.removing) == 1 else "affect"

    def _spared(self) -> str:
        """A note that no contact is deleted, since deletions are easily misread as such."""
        spared = not any(KINDS[change.address.kind].person for change in self.removing)
        return ". No contact is deleted" if spared else ""


def _people(plan: Plan) -> Iterable[Approval]:
    gone = [c for c in differing(plan.effective) if c.action is Action.DELETE and KINDS[c.address.kind].person]
    if gone:
        yield Approval(Allow.CONTACTS, len(gone), f"{_contacts(len(gone))} would be deleted permanently")


def _erased(plan: Plan) -> Iterable[Approval]:
    made = [c for c in differing(plan.effective) if c.action is Action.CREATE and KINDS[c.address.kind].person]
    again = [c for c in made if c.cause is Cause.MISSING]
    if again:
        what = f"{_contacts(len(again))} deleted in the account"
        yield Approval(Allow.RECREATE, len(again), f"{what} would be created again")


def _taken_over(plan: Plan) -> Iterable[Approval]:
    taken = [change for change in differing(plan.effective) if change.cause is Cause.TAKEOVER]
    if taken:
        what = "1 resource is" if len(taken) == 1 else f"{len(taken):,} resources are"
        yield Approval(Allow.TAKEOVER, len(taken), f"{what} managed by another ledger of this account")


def _asked(plan: Plan) -> Iterable[Approval]:
    """The kinds of which every write needs approval."""
    written = Counter(change.address.kind for change in differing(plan.effective) if sends(change))
    for name, count in sorted(written.items()):
        if needed := KINDS[name].approval:
            yield Approval(needed.allow, count, f"{count:,} {name}{'' if count == 1 else 's'} would be {needed.what}")


def _removals(removing: Sequence[Change]) -> str:
    """``1 deletion``, ``29 deletions or replacements``."""
    actions = {change.action for change in removing}
    nouns = [noun for action, noun in _NOUNS.items() if action in actions]
    many = "" if len(removing) == 1 else "s"
    return f"{len(removing):,} " + " or ".join(noun + many for noun in nouns)


_NOUNS = {Action.DELETE: "deletion", Action.REPLACE: "replacement"}


def _persons(number: int, which: str = "") -> str:
    return f"1 {which}person" if number == 1 else f"{number:,} {which}people"


def _contacts(number: int) -> str:
    return "1 contact" if number == 1 else f"{number:,} contacts"
