"""Words the question before an apply: the changes, the connection and the number of people affected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reconciler.kinds.effects import ACCESS_TAKEN, PERSON_DELETED, Consequence, classes_of
from reconciler.model.plan import Action, Change, Plan, differing
from reconciler.output import plan_sheet, wording
from reconciler.planner.approvals import affected_count, mailed, people

#: Classes that cannot be reverted.
_FOR_GOOD = frozenset({Consequence.IRREVERSIBLE, Consequence.CASCADES})
_NOUNS = {
    Action.CREATE: "creation",
    Action.UPDATE: "update",
    Action.REPLACE: "replacement",
    Action.DELETE: "deletion",
    Action.ADOPT: "adoption",
}
#: For relations, by verb: ``2 tag assignments``.
_RELATED = {"assign": "assignment", "add": "addition", "remove": "removal", "replace": "replacement"}


def question(plan: Plan, connection: str, name: str) -> str:
    """The changes, connection and project or environment on one line; the people affected on the next."""
    what = ", ".join(_parts(plan)) or "this plan"
    return "\n".join(
        filter(None, (f"Apply {what} to connection {connection} ({name})?", " ".join(_consequences(plan))))
    )


def _parts(plan: Plan) -> Iterator[str]:
    counts = plan_sheet.tallied(plan)
    yield from (wording.count(counts[action], noun) for action, noun in _NOUNS.items() if counts[action])
    if counts[Action.FORGET]:
        yield wording.count(counts[Action.FORGET], "resource to forget", "resources to forget")
    related: Counter[str] = Counter()
    for change in plan_sheet.related(plan.effective):
        noun, verb, _ = plan_sheet.relation_words(change.address.kind, change.action)
        related[f"{noun.replace('_', ' ')} {_RELATED.get(verb, 'change')}"] += 1
    yield from (wording.count(number, noun) for noun, number in sorted(related.items()))


def _consequences(plan: Plan) -> Iterator[str]:
    if number := affected_count(plan):
        reached = len(mailed(plan.effective))
        mail = f", up to {reached:,} may receive e-mail" if reached else ""
        yield f"{wording.count(number, 'person is', 'people are')} affected{mail}."
    for effect, words in ((PERSON_DELETED, "deleted permanently"), (ACCESS_TAKEN, "")):
        lost = len(people(change for change in differing(plan.effective) if effect in change.effects))
        if lost and words:
            yield f"{wording.count(lost, 'person is', 'people are')} {words}."
        elif lost:
            yield f"{wording.count(lost, 'person loses', 'people lose')} access."
    lasting = sum(1 for change in differing(plan.effective) if _is_for_good(change))
    if lasting:
        yield f"{wording.count(lasting, 'change', 'changes')} cannot be reverted."


def _is_for_good(change: Change) -> bool:
    lost = change.action in (Action.DELETE, Action.REPLACE, Action.UPDATE)
    return lost and bool(_FOR_GOOD.intersection(classes_of(change.effects)))
