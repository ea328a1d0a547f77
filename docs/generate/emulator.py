"""The emulator's options and faults → docs/reference/emulator.md."""

from __future__ import annotations

import json
import re
import time
from dataclasses import fields
from datetime import datetime

from docs.generate.markdown import code, listed, sentence, table
from reconciler.emulator import faults, seeding, webhooks
from reconciler.emulator.admin import Admin
from reconciler.emulator.gateway import Gateway
from reconciler.emulator.options import Options

INTRO = """\
# Emulator

What stands behind `reconciler emulator`, for tests of your own. [The guide](../guides/emulator.md) begins at the
beginning. These addresses answer this machine only and take no key. CONNECTION is what `--connection` of the emulator
names, by default `default`.

"""
ROUTES = {
    "/_emulator/accounts": "The connections of all accounts.",
    "/_emulator/accounts/{connection}": "Everything that the account holds; PUT starts it over from the seed in the "
    "body, DELETE drops it.",
    "/_emulator/accounts/{connection}/ids": "The id of everything in it, by what it is called.",
    "/_emulator/accounts/{connection}/seed": "Adds what the seed in the body says.",
    "/_emulator/accounts/{connection}/options": "How it behaves; PATCH changes some of it.",
    "/_emulator/accounts/{connection}/requests": "Every request that it got, in order; DELETE forgets them.",
    "/_emulator/accounts/{connection}/faults": "What goes wrong; PUT takes a list of rules in their place.",
    "/_emulator/accounts/{connection}/deliveries": "What went to webhooks, signed as the vendor signs.",
}
OPTIONS = {
    "dialect": "How it spells bodies: `vendor` or `skill`.",
    "unique_tags": "Whether a second tag of one name is refused.",
    "loose_emails": "Whether addresses that Unicode case folding makes equal, as `ß` and `ss`, are one.",
    "last_name_slug": "What the last name is called: `surname` or `last_name`.",
    "default_locale": "The language of a contact that is made without one.",
    "membership_delay": "How many lists of memberships go by before a new one shows.",
    "payments": "Whether payments are set up; without, subscriptions are a 404.",
    "subscriptions_max_limit": "The longest page of subscriptions.",
    "inclusive_cursor": "Whether a page begins with the row that `startingAfter` names, which is then listed twice.",
    "normalise_phone": "Whether the server changes the spelling of numbers.",
    "list_unset_fields": "Whether contacts list fields without a value.",
    "strict_webhook_patch": "Whether a PATCH of a webhook must carry name and secret.",
    "keep_disabled_events": "Whether events that were switched off stay as rows.",
    "deliveries": "Whether webhooks are called, on this machine only; else they are only recorded.",
    "no_mx": "Domains that take no mail.",
    "quota": "`{limit: N, per_seconds: S}`: the vendor's limit, with its headers and 429.",
    "latency": "Milliseconds before each answer.",
    "id_offset": "Added to the first id of every kind, so that two accounts share none.",
}
EVENTS = """
## Events

Webhooks receive {sent}. No event is sent for the contacts of a deleted tag.
{others} never occur: the emulator has no forms and no sales, and whether Systeme.io
sends an event for a subscription that is cancelled by the API is unknown.

## Seeds

A seed is YAML or JSON with these sections. An item that has a `name` may be the name alone. Items refer to contacts
by `email`, and to tags, courses, modules and communities by `name`. A tag that a contact carries is created if
necessary.

"""
FAULTS = """
## Faults

`PUT …/faults` takes a list of rules, e.g. `[{"kind": "drop_after", "match": {"method": "POST", "path": "/tags"}}]`.
`match` may say `method`, `path` (a regular expression), `nth` (from which matching request on, 1) and `times` (how
often, 1; null: for ever).

"""


def page() -> str:
    """The whole page; a route or an option without words, or words without one, stop the generator."""
    routes: dict[str, set[str]] = {}
    for route in Admin(Gateway("", datetime.now, time.monotonic)).routes():
        routes.setdefault(route.path, set()).update((route.methods or set()) - {"HEAD"})
    options = {field.name: field.default for field in fields(Options)}
    if routes.keys() != ROUTES.keys() or options.keys() != OPTIONS.keys():
        raise KeyError(f"{routes.keys() ^ ROUTES.keys()} {options.keys() ^ OPTIONS.keys()}")
    return "".join(
        [
            INTRO,
            table(
                ["address", "methods", "what it is"],
                (
                    [code(path.replace("{connection}", "CONNECTION")), ", ".join(sorted(routes[path])), text]
                    for path, text in ROUTES.items()
                ),
            ),
            "\n## Options\n\n",
            table(
                ["option", "default", "what it is"],
                ([code(name), code(json.dumps(default)), OPTIONS[name]] for name, default in options.items()),
            ),
            EVENTS.format(
                sent=listed(webhooks.SENT),
                others=listed(each for each in webhooks.EVENTS if each not in webhooks.SENT),
            ),
            table(
                ["section", "keys of an item"],
                ([code(section), listed(sorted(keys))] for section, (keys, _) in seeding.SECTIONS.items()),
            ),
            FAULTS,
            table(
                ["kind", "parameters", "carried out", "what the client gets"],
                (
                    [
                        code(name),
                        code(json.dumps(faults.KINDS[name])) if faults.KINDS[name] else "",
                        done,
                        sentence(text),
                    ]
                    for name, done, text in _faults()
                ),
            ),
        ]
    )


def _faults() -> list[tuple[str, str, str]]:
    """The table of the module: kind, whether the request is carried out, what is answered."""
    names = "|".join(faults.KINDS)
    return re.findall(rf"^({names}) +(no|yes|if `commit`) +(.+)$", faults.__doc__ or "", re.MULTILINE)
