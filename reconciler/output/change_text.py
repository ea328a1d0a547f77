"""Text of one change: title, place in the files, remarks, and its fields before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Cause, Change, FieldChange
from reconciler.model.resource import EMPTY
from reconciler.model.values import Attrs, Secret, Value
from reconciler.output import wording
from reconciler.planner.diff import leaves
from reconciler.planner.impact import is_rename

#: Maximum length of a value in outputs that can wrap it.
_WHOLE = 4_000

VERBS = (
    (Action.CREATE, "to create"),
    (Action.UPDATE, "to update"),
    (Action.REPLACE, "to replace"),
    (Action.DELETE, "to delete"),
    (Action.ADOPT, "to adopt"),
    (Action.FORGET, "to forget"),
)

_CAUSES = {
    Cause.NEW: "",
    Cause.DRIFTED: "changed in the account",
    Cause.BOTH: "conflict: the files win",
    Cause.RELEASED: "reset: not in the files",
}


class FieldRow(NamedTuple):
    """One field of a change for display: path, values and cause."""

    path: str
    shown: str
    cause: str


class FieldValues(NamedTuple):
    """One field with both values separate and uncut; None is a missing value.

    ``hidden`` replaces both values if they must not be shown.
    """

    path: str
    before: str | None
    after: str | None
    cause: str
    hidden: str = ""


def title(change: Change) -> str:
    """``tag/Gold → VIP`` for a rename, else the address."""
    kind = KINDS[change.address.kind]
    if kind.renameable:
        for each in change.fields:
            if each.path in kind.key and each.before is not None:
                return f"{kind.name}/{wording.printable(str(each.before))} → {wording.printable(str(each.after))}"
    return wording.shown(change.address)


def where(change: Change) -> str:
    """``site.yaml:4:3`` for a declared resource, else empty."""
    return str(change.origin) if change.origin and is_of_files(change) else ""


def is_of_files(change: Change) -> bool:
    """Whether the position is in the present files; a removed block has only its former position."""
    return change.action not in (Action.DELETE, Action.FORGET) or change.cause is Cause.UNLISTED


def _is_in_title(change: Change, field: FieldChange) -> bool:
    kind = KINDS[change.address.kind]
    return kind.renameable and field.path in kind.key


def remarks(change: Change) -> Iterator[str]:
    """All remarks on a change apart from its fields, effects included."""
    yield from sentences(change)
    yield from change.effects


def sentences(change: Change) -> Iterator[str]:
    """The remarks without the effects."""
    if change.blocked:
        yield f"blocked: {change.blocked}"
    if change.cause is Cause.MISSING:
        yield "missing from the account"
    if is_rename(change):
        yield from (_CAUSES[cause] for cause in _moved_by_others(change))
    elif change.moved_from:
        yield f"formerly {wording.shown(change.moved_from)}"
    if change.note:
        yield from map(wording.printable, change.note.split("; "))


def _moved_by_others(change: Change) -> Iterator[Cause]:
    """The cause of a changed name, if the files are not the only one."""
    for each in change.fields:
        if _is_in_title(change, each) and each.cause in (Cause.DRIFTED, Cause.BOTH):
            yield each.cause


def rows(change: Change) -> Iterator[FieldRow]:
    """The fields of a change; a set has one row for each added or removed item; a rename is in the title."""
    for each in fields_of(change):
        yield from field_rows(each, change.attrs)


def fields_of(change: Change) -> list[FieldChange]:
    """The fields with rows of their own."""
    if change.action is Action.FORGET:
        return []
    return [each for each in change.fields if not _is_in_title(change, each)]


def cause_of(change: FieldChange) -> str:
    """Why a field changes; empty for a new one."""
    return "; ".join(filter(None, (_CAUSES.get(change.cause, change.cause.value), wording.printable(change.note))))


def field_rows(change: FieldChange, attrs: Attrs = EMPTY) -> Iterator[FieldRow]:
    """The rows of one field; ``attrs`` are the desired attributes, which contain the source of a secret."""
    cause = cause_of(change)
    if change.sensitive:
        wanted = attrs.get(change.path)
        source = f" ({wording.printable(wanted.source)})" if isinstance(wanted, Secret) else ""
        shown = ("not shown" if change.cause is Cause.NEW else "changed, not shown") + source
        yield FieldRow(wording.printable(change.path), shown, cause)
        return
    for path, before, after in leaves(change) if isinstance(change.before, frozenset) else [_sides(change)]:
        yield FieldRow(wording.printable(path), _arrow(change, before, after), cause)


def sides(change: Change) -> Iterator[FieldValues]:
    """The rows of :func:`rows` for outputs with separate columns for both values."""
    for each in fields_of(change):
        yield from _field_sides(each, change.attrs)


def _field_sides(change: FieldChange, attrs: Attrs) -> Iterator[FieldValues]:
    if change.sensitive:
        yield from (FieldValues(row.path, None, None, row.cause, row.shown) for row in field_rows(change, attrs))
        return
    is_set = isinstance(change.before, frozenset)
    found = leaves(change) if is_set else [_sides(change)]
    for (path, before, after), row in zip(found, field_rows(change), strict=True):
        if is_set:
            both = [None if side is None else wording.printable(str(side)) for side in (before, after)]
        else:
            both = [None if change.cause is Cause.NEW else wording.value(before, _WHOLE), _after(change, _WHOLE)]
        yield FieldValues(wording.printable(path), both[0], both[1], row.cause)


def _sides(change: FieldChange) -> tuple[str, Value, Value]:
    return change.path, change.before, change.after


def _arrow(change: FieldChange, before: Value, after: Value) -> str:
    if isinstance(change.before, frozenset):
        return f"- {wording.printable(str(before))}" if after is None else f"+ {wording.printable(str(after))}"
    if change.cause is Cause.NEW:
        return wording.items(after) if isinstance(after, frozenset) and after else wording.value(after)
    return f"{wording.value(before)} → {_after(change)}"


def _after(change: FieldChange, longest: int = wording.LONGEST) -> str:
    """The new value, or ``(cleared)`` for a removed one."""
    return "(cleared)" if change.after is None and change.before is not None else wording.value(change.after, longest)
