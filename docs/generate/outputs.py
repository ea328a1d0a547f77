"""The formats and the events → docs/reference/outputs.md: what is written, where and in which form."""

from __future__ import annotations

import click

from docs.generate import commands
from docs.generate.markdown import code, listed, sentence, table
from reconciler.output.events import EVENTS
from reconciler.output.formats import DRIFT, FORMATS, PLAN, PROBLEMS, names

INTRO = """\
# Outputs

Results go to standard output, talk to standard error. `--output FORMAT[=FILE]` tells the same in other formats,
several at once, into files or on standard output. A file is written whole or not at all. With `--redact` people are
marks in every format.

"""
EVENTS_INTRO = """
## A stream of events

`--json-events` writes one JSON object a line to standard output, each as soon as it happens.
[schema/event.schema.json](../../schema/event.schema.json) describes them. It goes with:

"""
LOGS = """
## Logs

`-v` says how the account was read, `-vv` every request, `-vvv` the bodies as well; keys and secrets never show.
`--log-format json` makes every line on standard error one JSON object: time, level, event, message, and the fields of
the event. Off a terminal a long run says every `--heartbeat` seconds how far it is. `-q` says nothing but results and
errors. `NO_COLOR`, `FORCE_COLOR` and `TERM=dumb` are obeyed.
"""
SUBJECTS = {PLAN: "a plan", DRIFT: "drift", PROBLEMS: "what is wrong with the files"}


def page() -> str:
    """The whole page."""
    return "".join(
        [
            INTRO,
            table(
                ["format", "for", *SUBJECTS.values()],
                (
                    [
                        code(name),
                        sentence(form.about),
                        *("yes" if name in names(subject) else "" for subject in SUBJECTS),
                    ]
                    for name, form in FORMATS.items()
                ),
            ),
            "\n## Commands that tell it\n\n",
            table(
                ["command", "formats"],
                (
                    [f"[{path}](commands.md#{path.replace(' ', '-')})", listed(names(subject))]
                    for path, subject in _tellers()
                ),
            ),
            EVENTS_INTRO,
            *(f"- [{path}](commands.md#{path.replace(' ', '-')})\n" for path in _having("--json-events")),
            "\n",
            table(["event", "what it says"], ([code(name), text] for name, text in EVENTS.items())),
            LOGS,
        ]
    )


def _having(flag: str) -> list[str]:
    return [path for path, command in commands.walk() if any(flag in each.opts for each in command.params)]


def _tellers() -> list[tuple[str, str]]:
    """Every command with ``--output``, and what it tells."""
    found = []
    for path, command in commands.walk():
        for each in command.params:
            if isinstance(each, click.Option) and "--output" in each.opts:
                found.append((path, str(getattr(each.type, "subject", PLAN))))
    return found
