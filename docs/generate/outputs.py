"""Writes docs/reference/outputs.md: formats, events and logs."""

from __future__ import annotations

import click

from docs.generate import commands
from docs.generate.markdown import code, listed, sentence, table
from reconciler.output.events import EVENTS
from reconciler.output.formats import DRIFT, FORMATS, PLAN, PROBLEMS, names

INTRO = """\
# Outputs

Results go to standard output, diagnostics to standard error. `--output FORMAT[=FILE]` writes the result in other
formats, several at once, to files or to standard output. Files are written atomically. With `--redact` all formats
contain pseudonyms instead of personal data.

"""
EVENTS_INTRO = """
## A stream of events

`--json-events` writes one JSON object per line to standard output, as the events happen;
[schema/event.schema.json](../../schema/event.schema.json) is their schema. Commands with this option:

"""
LOGS = """
## Logs

`-v` logs how the account is read, `-vv` every request, `-vvv` also bodies; keys and secrets are never logged.
`--log-format json` writes each line on standard error as a JSON object: time, level, event, message, and the fields
of the event. Without a terminal, progress is logged every `--heartbeat` seconds. `-q` prints only results and
errors. `NO_COLOR`, `FORCE_COLOR` and `TERM=dumb` are respected.
"""
SUBJECTS = {PLAN: "a plan", DRIFT: "drift", PROBLEMS: "errors in files"}


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
            "\n## Commands with --output\n\n",
            table(
                ["command", "formats"],
                (
                    [f"[{path}](commands.md#{path.replace(' ', '-')})", listed(names(subject))]
                    for path, subject in _commands_with_output()
                ),
            ),
            EVENTS_INTRO,
            *(f"- [{path}](commands.md#{path.replace(' ', '-')})\n" for path in _having("--json-events")),
            "\n",
            table(["event", "meaning"], ([code(name), text] for name, text in EVENTS.items())),
            LOGS,
        ]
    )


def _having(flag: str) -> list[str]:
    return [path for path, command in commands.walk() if any(flag in each.opts for each in command.params)]


def _commands_with_output() -> list[tuple[str, str]]:
    """Every command with ``--output``, and the subject of its output."""
    found = []
    for path, command in commands.walk():
        for each in command.params:
            if isinstance(each, click.Option) and "--output" in each.opts:
                found.append((path, str(getattr(each.type, "subject", PLAN))))
    return found
