"""Decides about resources that the files do not declare: DELETE or FORGET, by pruning policy and relations.

managed, live, not declared
──────────────────────────────────────────────────────────────────────────────
its parent is deleted and takes it along                  FORGET  deleted with the parent, no call
declared inside a block that no longer has the key        FORGET  no longer managed
declared inside a block that is forgotten                 FORGET  together with it
in an authoritative list                                  DELETE  whatever pruning is set to
pruning ``none``, or ``created`` and it was adopted       FORGET
accepted and not visible yet                              nothing until it is visible
another resource has its name now                         FORGET  only managed resources are deleted
otherwise                                                 DELETE
unmanaged, pruning ``all``, or in an authoritative list   DELETE
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.model.plan import Action, Cause, Change
from reconciler.model.policy import Policy, Prune
from reconciler.model.resource import NO_LIFECYCLE, DesiredState, EntryState, LedgerEntry, Live, Provenance
from reconciler.model.values import Address, Ref, Secret, readable
from reconciler.planner.authoritative_lists import AuthoritativeLists, ExcludingList
from reconciler.planner.matched_state import MatchedState

#: How the note of a deletion begins; it does not hold for a plan that rests on no files.
LEFT = "no longer in the files; "
#: How the note on a resource begins that leaves the ledger and stays in the account.
KEPT = "no longer managed; kept"


class Pruning:
    """One decision for every undeclared resource that is managed, or that ``all`` or a list removes."""

    def __init__(self, found: MatchedState, state: DesiredState, policy: Policy) -> None:
        self.found, self.state, self.policy = found, state, policy
        self.decided: dict[Address, Change] = {}
        self.lists = AuthoritativeLists(state, found)

    def changes(self) -> Mapping[Address, Change]:
        """Roots before relations, because a relation may go with its parent."""
        leaving = [entry for entry in self.found.entries.kept.values() if entry.address not in self.found.desired]
        for entry in sorted(leaving, key=lambda each: len(KINDS[each.address.kind].parents)):
            self.decided[entry.address] = self._owned(entry, self.found.live.get(entry.address))
        for live in list(self.found.live.kept.values()):
            excluding = self.lists.excluding(live)
            everything = excluding or self._prune(KINDS[live.address.kind]) is Prune.ALL
            if everything and self._is_unmanaged(live):
                self.decided[live.address] = self._delete(live, None, excluding)
        return self.decided

    def _owned(self, entry: LedgerEntry, live: Live | None) -> Change:
        if live is None and entry.state is EntryState.PENDING:
            return self._keep(entry, "accepted, not shown by the account yet; removed once it shows")
        excluding = self.lists.excluding(live) if live else None
        if live is None or (entry.remote_id not in (None, live.remote_id) and not excluding):
            return self._forget(entry, Cause.REMOVED, "gone from the account")
        if parent := self._gone_with(live):
            return self._forget(entry, Cause.GONE_WITH, f"goes with {parent}")
        if reason := self._released(entry):
            return self._forget(entry, Cause.RELEASED, reason)
        if excluding:
            return self._delete(live, entry, excluding)
        kind = entry.address.kind
        prune = self._prune(KINDS[kind])
        if not KINDS[entry.address.kind].writable:
            return self._forget(entry, Cause.REMOVED, f"{KEPT} in the account (read-only kind)")
        if prune is Prune.NONE:
            return self._forget(entry, Cause.REMOVED, f"{KEPT} in the account (prune: {{{kind}: none}})")
        if prune is Prune.CREATED and entry.provenance is not Provenance.CREATED:
            remedy = f"set prune: {{{kind}: owned}} to delete it"
            return self._forget(entry, Cause.REMOVED, f"{KEPT}, because reconciler did not create it ({remedy})")
        return self._delete(live, entry)

    def _released(self, entry: LedgerEntry) -> str:
        parent = entry.part_of
        if parent is None:
            return ""
        block = self.state.resources.get(parent)
        if block and entry.address.kind in block.leaves_out:
            sugar = KINDS[entry.address.kind].sugar
            return f"{parent} no longer has a `{sugar.key}` key" if sugar else ""
        change = self.decided.get(parent)
        if parent not in self.found.desired and (change is None or change.action is Action.FORGET):
            return f"no longer managed, together with {parent}"
        return ""

    def _gone_with(self, live: Live) -> Address | None:
        for name in KINDS[live.address.kind].dies_with:
            parent = live.attrs[name]
            change = self.decided.get(parent.target) if isinstance(parent, Ref) else None
            if change and change.action is Action.DELETE and not change.lifecycle.prevent_destroy:
                return change.address
        return None

    def _prune(self, kind: Kind) -> Prune:
        return self.policy.prune.get(kind.name, kind.prune) if kind.writable else Prune.NONE

    def _is_unmanaged(self, live: Live) -> bool:
        known = live.address in self.found.desired or live.address in self.found.entries
        if live.address.key in KINDS[live.address.kind].reserved:
            return False
        return not known and not self._gone_with(live)

    def _forget(self, entry: LedgerEntry, cause: Cause, note: str) -> Change:
        return Change(
            entry.address,
            Action.FORGET,
            cause,
            before=entry.applied,
            remote_id=entry.remote_id,
            note=note,
            origin=entry.origin,
            lifecycle=entry.lifecycle,
            moved_from=self.found.moved.get(entry.address),
        )

    def _keep(self, entry: LedgerEntry, note: str) -> Change:
        return Change(entry.address, Action.NO_CHANGE, remote_id=entry.remote_id, note=note, origin=entry.origin)

    def _delete(self, live: Live, entry: LedgerEntry | None, excluding: ExcludingList | None = None) -> Change:
        kind = KINDS[live.address.kind]
        outside = excluding if entry is None else None
        unmanaged = f"not in the authoritative list of {outside.owner}" if outside else "unmanaged; pruning is `all`"
        since = (
            "; ".join([f"{LEFT}managed since run {entry.managed_since}", *_since(kind, live, entry)])
            if entry
            else unmanaged
        )
        return Change(
            live.address,
            Action.DELETE,
            Cause.UNLISTED if outside else Cause.REMOVED,
            note=since,
            remote_id=live.remote_id,
            origin=entry.origin if entry else outside and outside.origin,
            before=readable(live.attrs),
            depends_on=entry.depends_on if entry else kind.refers_to(live.attrs),
            effects=kind.effects.get(Action.DELETE, ()),
            moved_from=self.found.moved.get(live.address),
            lifecycle=entry.lifecycle if entry else NO_LIFECYCLE,
        )


def _since(kind: Kind, live: Live, entry: LedgerEntry) -> Iterator[str]:
    """Changes by others since the last write: the present name, and the names of other changed fields."""
    changed = []
    for name, sent in entry.applied.items():
        field, have = kind.field(name), live.attrs.get(name)
        if field.write_only or field.one_time or isinstance(have, Secret | Ref):
            continue
        if have in (sent, entry.answered.get(name, sent)):
            continue
        if name in kind.key and not kind.person:
            yield f'is called "{have}" now'
        else:
            changed.append(name)
    if changed:
        yield f"{', '.join(sorted(changed))} changed in the account"
