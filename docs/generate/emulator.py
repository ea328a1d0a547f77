"""Writes docs/reference/emulator.md: interface, options, events, seeds and faults."""

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

The interface of `reconciler emulator`, for your own tests; [the guide](../guides/emulator.md) is the introduction.
These paths are served on loopback only and need no key. CONNECTION is the value of the emulator's `--connection`, by
default `default`.

"""
ROUTES = {
    "/_emulator/accounts": "The connections of all accounts.",
    "/_emulator/accounts/{connection}": "The content of the account; PUT replaces it by the seed in the body, "
    "DELETE removes the account.",
    "/_emulator/accounts/{connection}/ids": "The ids of its content, by name.",
    "/_emulator/accounts/{connection}/seed": "Adds the seed in the body.",
    "/_emulator/accounts/{connection}/options": "Its options; PATCH changes some of them.",
    "/_emulator/accounts/{connection}/requests": "All requests in order; DELETE clears them.",
    "/_emulator/accounts/{connection}/faults": "The fault rules; PUT replaces them.",
    "/_emulator/accounts/{connection}/deliveries": "Webhook deliveries, signed as Systeme.io signs them.",
}
OPTIONS = {
    "dialect": "Dialect: `vendor` or `skill`.",
    "unique_tags": "Whether a second tag with the same name is refused.",
    "loose_emails": "Whether addresses that are equal after Unicode case folding (`ß`, `ss`) count as one.",
    "last_name_slug": "Slug of the last name: `surname` or `last_name`.",
    "default_locale": "Language of a contact that is created without one.",
    "membership_delay": "Number of membership lists before a new membership appears.",
    "payments": "Whether payments are set up; otherwise subscriptions are a 404.",
    "subscriptions_max_limit": "Maximum page size of subscriptions.",
    "inclusive_cursor": "Whether a page starts with the row in `startingAfter`, which is then listed twice.",
    "normalise_phone": "Whether phone numbers are normalized.",
    "list_unset_fields": "Whether contacts list fields without a value.",
    "strict_webhook_patch": "Whether a PATCH of a webhook must carry name and secret.",
    "keep_disabled_events": "Whether disabled events stay as rows.",
    "deliveries": "Whether webhooks on loopback are called; otherwise deliveries are only recorded.",
    "no_mx": "Domains that do not accept e-mail.",
    "quota": "`{limit: N, per_seconds: S}`: the rate limit of Systeme.io, with its headers and 429.",
    "latency": "Milliseconds before each answer.",
    "id_offset": "Added to the first id of every kind, so that two accounts have different ids.",
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
`match` can have `method`, `path` (a regular expression), `nth` (the first matching request to fail, default 1) and
`times` (how often, default 1; null: always).

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
                ["address", "methods", "meaning"],
                (
                    [code(path.replace("{connection}", "CONNECTION")), ", ".join(sorted(routes[path])), text]
                    for path, text in ROUTES.items()
                ),
            ),
            "\n## Options\n\n",
            table(
                ["option", "default", "meaning"],
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
                ["kind", "parameters", "carried out", "result for the client"],
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
