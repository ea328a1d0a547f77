"""Writes docs/reference/plans.md: actions, causes, effects and consequences."""

from __future__ import annotations

from docs.generate import meanings
from docs.generate.markdown import code, table
from reconciler.kinds import KINDS, effects
from reconciler.kinds.effects import Consequence, classes_of
from reconciler.model.plan import Action, Cause
from reconciler.output.plan_sheet import SIGNS
from reconciler.planner.drift import Alarm

INTRO = """\
# Plans

A plan lists every change with the line of the file that declares it; unchanged resources are counted. The last lines
are totals: changes, people, API calls and their time at the rate limit.

![A plan in a terminal](../pictures/plan.svg)

## Signs and actions

"""
CAUSES = """
`!` marks a blocked change: shown, but forbidden by `prevent_destroy` or by a blocked change that it depends on. A
plan with only blocked changes counts as empty.

## Causes

A cause explains a change or a field.

"""
EFFECTS = """
## Effects

Side effects of writes. A plan shows them next to the change, and counts the people affected.

"""


def page() -> str:
    """The whole page."""
    for words, known in (
        (Action, meanings.ACTIONS),
        (Cause, meanings.CAUSES),
        (Consequence, meanings.CONSEQUENCES),
        (Alarm, meanings.ALARMS),
    ):
        meanings.complete(words, known)  # type: ignore[arg-type]
    return "".join(
        [
            INTRO,
            table(
                ["sign", "action", "meaning"],
                ([code(SIGNS[action.value].symbol), action.value, text] for action, text in meanings.ACTIONS.items()),
            ),
            CAUSES,
            table(["cause", "meaning"], ([code(cause.value), text] for cause, text in meanings.CAUSES.items())),
            EFFECTS,
            table(["effect", "meaning", "consequence", "caused by"], (_effect(each) for each in _effects())),
            "\n## Consequences\n\n",
            table(
                ["class", "meaning"],
                ([code(each.value), text] for each, text in meanings.CONSEQUENCES.items()),
            ),
            "\n## Conditions for CI\n\n`--fail-on` of `plan` and `drift` exits with code 2 for:\n\n",
            table(["value", "condition"], ([code(each.value), text] for each, text in meanings.ALARMS.items())),
        ]
    )


def _effects() -> list[str]:
    return [value for name, value in vars(effects).items() if name.isupper() and isinstance(value, str)]


def _effect(effect: str) -> list[str]:
    makers = [
        f"{action.value} of {kind.name}"
        for kind in KINDS.values()
        for action, found in kind.effects.items()
        if effect in found
    ]
    classes = ", ".join(code(each.value) for each in classes_of([effect]))
    return [effect, meanings.EFFECTS[effect], classes, ", ".join(makers)]
