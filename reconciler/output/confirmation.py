"""A plan → the one line that is said before somebody agrees to it: what happens, to how many people, for how long."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.kinds.effects import ACCESS_TAKEN, PERSON_DELETED, Consequence, classes_of
from reconciler.model.plan import Action, Change, Plan
from reconciler.output import wording
from reconciler.output.plan_view import VERBS, affected
from reconciler.planner.approvals import people

#: Classes of which nothing brings back what was.
_FOR_GOOD = frozenset({Consequence.ONE_WAY, Consequence.TAKES_ALONG})


def question(plan: Plan, writes: int, name: str) -> str:
    """``Apply to production: 5 to create, 2 to delete; 8 calls; 3 people touched, 2 may be e-mailed.``"""
    return f"Apply to {wording.printable(name)}: {'; '.join(_parts(plan, writes))}."


def _parts(plan: Plan, writes: int) -> Iterator[str]:
    counts = ((sum(1 for change in plan.pending if change.action is action), verb) for action, verb in VERBS)
    yield ", ".join(f"{number:,} {verb}" for number, verb in counts if number) or "nothing to change"
    yield wording.count(writes, "call")
    if concerned := affected(plan):
        yield concerned
    for effect, said in ((PERSON_DELETED, "deleted for good"), (ACCESS_TAKEN, "to lose access")):
        lost = people(change for change in plan.pending if effect in change.effects)
        if lost:
            yield f"{wording.count(len(lost), 'person', 'people')} {said}"
    lasting = [change for change in plan.pending if _is_for_good(change)]
    if lasting:
        yield f"{wording.count(len(lasting), 'change')} cannot be taken back"


def _is_for_good(change: Change) -> bool:
    lost = change.action in (Action.DELETE, Action.REPLACE, Action.UPDATE)
    return lost and bool(_FOR_GOOD.intersection(classes_of(change.effects)))
