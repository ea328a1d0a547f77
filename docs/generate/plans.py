"""Actions, causes, effects, consequences → docs/reference/plans.md: how a plan is read."""

from __future__ import annotations

from docs.generate import meanings
from docs.generate.markdown import code, table
from reconciler.kinds import KINDS, effects
from reconciler.kinds.effects import Consequence, classes_of
from reconciler.model.plan import Action, Cause
from reconciler.output.wording import SYMBOLS
from reconciler.planner.drift import Alarm

INTRO = """\
# Plans

A plan lists every change with the line of the file that asks for it. What is as it should be is counted, not listed.
The last lines are the sums: changes, calls, time at the configured rate limit, people.

![A plan in a terminal](../pictures/plan.svg)

## Signs and actions

"""
CAUSES = """
`!` stands before what is blocked: shown, and forbidden by `prevent_destroy` or by what it depends on. A plan that
holds nothing but blocked changes counts as empty.

## Causes

A cause explains a change or one of its fields; nothing is decided by it.

"""
EFFECTS = """
## Effects

What a write sets off beside what it says. A plan shows them at the end of a line, and counts the people touched.

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
                ["sign", "action", "what it does"],
                ([code(SYMBOLS[action].strip()), action.value, text] for action, text in meanings.ACTIONS.items()),
            ),
            CAUSES,
            table(["cause", "why"], ([code(cause.value), text] for cause, text in meanings.CAUSES.items())),
            EFFECTS,
            table(["effect", "what that means", "consequence", "set off by"], (_effect(each) for each in _effects())),
            "\n## Consequences\n\n",
            table(
                ["class", "how far it reaches"],
                ([code(each.value), text] for each, text in meanings.CONSEQUENCES.items()),
            ),
            "\n## What a pipeline may stop for\n\n`--fail-on` of `plan` and `drift` ends with exit code 2:\n\n",
            table(["word", "when"], ([code(each.value), text] for each, text in meanings.ALARMS.items())),
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
