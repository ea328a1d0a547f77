"""Live ones that their natural key may not tell apart → those that the files mean; for kinds that nobody can make.

bound by ``id:``                          that one
ours already                              that one: what was done once is done, even if another one came since
of those that go by the name              the only one that is not as the files say; two are an error that names both
all that go by the name are so already    the first
none                                      an error with the names that there are, unless it was ours: then it is gone
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.errors import Problem
from reconciler.kinds.base import Kind
from reconciler.model.did_you_mean import near
from reconciler.model.resource import Desired, LedgerEntry
from reconciler.model.values import Address, Ref
from reconciler.planner.names import Row


@dataclass
class PickedItems:
    """``addresses`` in the order of the rows, which have the names that the files give them; ``moved`` maps new
    addresses to those that the ledger has."""

    rows: list[Row] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    moved: dict[Address, Address] = field(default_factory=dict)
    remarks: dict[Address, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def pick(
    kind: Kind,
    desired: Iterable[Desired],
    entries: Mapping[Address, LedgerEntry],
    rows: Sequence[Row],
    live: Container[Address],
) -> PickedItems:
    """Give every row an address; a row that the files name takes over how they name it."""
    return _Picking(kind, {each.address: each for each in desired}, entries, rows, live).run()


class _Picking:
    def __init__(
        self,
        kind: Kind,
        desired: Mapping[Address, Desired],
        entries: Mapping[Address, LedgerEntry],
        rows: Sequence[Row],
        live: Container[Address],
    ) -> None:
        self.kind, self.desired, self.entries, self.live = kind, desired, entries, live
        self.role, self.name = kind.parents[0].name, kind.key[-1]
        self.given: dict[int, Address] = {}
        self.picked = PickedItems(rows=list(rows))
        self.rows = self.picked.rows
        self.by_parent: dict[object, list[int]] = {}
        for index, (_, attrs, _) in enumerate(rows):
            self.by_parent.setdefault(attrs[self.role], []).append(index)

    def run(self) -> PickedItems:
        waiting = [each for each in self.desired.values() if not self._by_id(each, each.bound_id)]
        waiting = [each for each in waiting if each.bound_id or not self._by_id(each, self._owned_id(each.address))]
        for each in waiting:
            self._by_name(each)
        self._leave_to_the_ledger()
        for index, (_, attrs, _) in enumerate(self.rows):
            self.picked.addresses.append(self.given.get(index) or self.kind.address(attrs))
        return self.picked

    def _owned_id(self, address: Address) -> str | None:
        return self.entries[address].remote_id if address in self.entries else None

    def _siblings(self, desired: Desired) -> list[int]:
        return self.by_parent.get(desired.attrs[self.role], [])

    def _by_id(self, desired: Desired, remote_id: str | None) -> bool:
        found = [index for index in self._siblings(desired) if self.rows[index][0] == remote_id]
        if not found or found[0] in self.given:
            return False
        self._give(found[0], desired)
        return True

    def _by_name(self, desired: Desired) -> None:
        if desired.bound_id:
            self._miss(desired)
            return
        named = [index for index in self._siblings(desired) if self._is_called(index, desired)]
        free = [index for index in named if index not in self.given]
        open_ones = [index for index in free if not self._is_so(index, desired)]
        if len(open_ones) > 1:
            ids = sorted(self.rows[index][0] for index in open_ones)
            what = f"{desired.address}: there are {len(ids)} of that {self.name}: ids {', '.join(ids)}"
            self._problem(desired, what, f"say which: `id: {ids[0]}`")
        elif free:
            self._give((open_ones or free)[0], desired)
        elif named:
            self._problem(desired, f"{desired.address} is declared twice; also as {self.given[named[0]]}", "keep one")
        else:
            self._miss(desired)

    def _is_called(self, index: int, desired: Desired) -> bool:
        return desired.attrs.get(self.name) in self._names(index)

    def _names(self, index: int) -> tuple[str, ...]:
        _, attrs, item = self.rows[index]
        return self.kind.called(item) if self.kind.called else (str(attrs.get(self.name)),)

    def _is_so(self, index: int, desired: Desired) -> bool:
        """Whether it is as the files say, but for how it is named and how it would be done."""
        shown = self.rows[index][1]
        telling = (name for name in desired.attrs if name not in self.kind.key and not self.kind.field(name).manner)
        return all(shown.get(name) == desired.attrs[name] for name in telling)

    def _give(self, index: int, desired: Desired) -> None:
        remote_id, attrs, item = self.rows[index]
        if (name := desired.attrs.get(self.name)) is not None:
            if not self._is_called(index, desired):
                what = f"{desired.address}: its {self.name} is not {name}, but {attrs.get(self.name)}"
                self._problem(desired, what, "correct one of the two")
            else:
                self.rows[index] = remote_id, {**attrs, self.name: name}, item
        self.given[index] = desired.address
        self._follow(remote_id, desired.address)
        self._remark(index, desired)

    def _follow(self, remote_id: str, address: Address) -> None:
        """What is ours goes by the name that the files give it now."""
        owner = next((e.address for e in self.entries.values() if e.remote_id == remote_id), None)
        if owner and owner not in self.desired and address not in self.entries:
            self.picked.moved[address] = owner

    def _remark(self, index: int, desired: Desired) -> None:
        """Another one of that name that is not as the files say: nothing is done to it."""
        if desired.bound_id or desired.address not in self.entries:
            return
        others = [other for other in self._siblings(desired) if other != index and self._is_called(other, desired)]
        ids = [self.rows[other][0] for other in others if not self._is_so(other, desired)]
        if ids and self._is_so(index, desired):
            hint = f"declare it with `id: {ids[0]}` if it is meant"
            self.picked.remarks[desired.address] = (
                f"another one has come since, id {', '.join(ids)}, and stays; {hint}"
            )

    def _leave_to_the_ledger(self) -> None:
        """What is ours and the files no longer name keeps the ledger's name."""
        numbers = {remote_id: index for index, (remote_id, _, _) in enumerate(self.rows)}
        for entry in self.entries.values():
            index = numbers.get(entry.remote_id or "")
            if index is None or index in self.given or entry.address in self.desired:
                continue
            self.given[index] = entry.address
            if (name := entry.applied.get(self.name)) in self._names(index):
                remote_id, attrs, item = self.rows[index]
                self.rows[index] = remote_id, {**attrs, self.name: name}, item

    def _miss(self, desired: Desired) -> None:
        """Nothing to be found; of what was ours it is known that it was there."""
        if desired.address in self.entries:
            return
        parent, word = desired.attrs[self.role], self.kind.name.replace("_", " ")
        assert isinstance(parent, Ref)
        if parent.target not in self.live:
            what = f"{desired.address}: the {self.role} is not in the account yet, so there is no {word} of theirs"
            self._problem(desired, what, "remove it, or declare it once it is there")
            return
        if desired.bound_id:
            wanted, known = desired.bound_id, [self.rows[index][0] for index in self._siblings(desired)]
        else:
            wanted = str(desired.attrs.get(self.name))
            known = [name for index in self._siblings(desired) for name in self._names(index)]
        what = f'{desired.address}: the {self.role} has no {word} "{wanted}"'
        names = near(wanted, known) or ", ".join(f'"{name}"' for name in sorted(set(known))[:5])
        self._problem(desired, what, f"there is {names}" if names else "there is none at all")

    def _problem(self, desired: Desired, what: str, hint: str) -> None:
        self.picked.problems.append(Problem(str(desired.origin), what, hint))
