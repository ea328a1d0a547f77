"""Operations on webhooks; a secret is stored and never answered (api.md 5.8)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.emulator.answers import Answer, Code, encode, listing, not_found, nothing, ok
from reconciler.emulator.calls import Call
from reconciler.emulator.checks import BLANK, NOT_A_CHOICE, TAKEN, Checked, typed
from reconciler.emulator.rows import Event, Webhook
from reconciler.emulator.state import State

EVENTS = (
    "CONTACT_CREATED",
    "CONTACT_TAG_ADDED",
    "CONTACT_TAG_REMOVED",
    "CONTACT_OPT_IN",
    "SALE_NEW",
    "SALE_CANCELED",
)
#: The events that the emulator sends; it has no forms and no sales that could send the others.
SENT = ("CONTACT_CREATED", "CONTACT_TAG_ADDED", "CONTACT_TAG_REMOVED")
LONGEST_NAME = 255
URL = re.compile(r"https?://[^\s/?#]+([/?#]\S*)?", re.IGNORECASE)


def default_version(event: str) -> int:
    """The schema a plain event name stands for."""
    return 2 if event.startswith("SALE_") else 1


def shown_webhook(hook: Webhook) -> dict[str, object]:
    return {
        "id": hook.id,
        "name": hook.name,
        "url": hook.url,
        "active": hook.active,
        "subscriptions": [
            {
                "id": row.id,
                "event": row.event,
                "schemaVersion": row.version,
                "disabledAt": row.disabled_at,
                "disabledReason": row.disabled_reason,
            }
            for row in hook.events
        ],
    }


def list_webhooks(call: Call) -> Answer:
    return listing([encode(shown_webhook(row)) for row in call.state.webhooks.values()], False)


def get_webhook(call: Call) -> Answer:
    return ok(shown_webhook(_find(call)))


def create_webhook(call: Call) -> Answer:
    state, checked = call.state, Checked(call.body)
    name, url = _name(state, checked, None), _url(state, checked, None)
    secret = checked.text("secret", required=True)
    if call.body.get("subscriptions") is None:
        checked.violate("subscriptions", BLANK, Code.BLANK)
    wanted = _events(checked)
    active = typed(call.body, "active", bool)
    checked.finish()
    hook = Webhook(state.new_uuid(), name, url, secret or "", active is not False, [])
    hook.events = [Event(state.new_uuid(), event, version) for event, version in wanted.items()]
    state.webhooks[hook.id] = hook
    return ok(shown_webhook(hook), 201)


def update_webhook(call: Call) -> Answer:
    """In the vendor's dialect a url is an unknown key, and so it changes nothing."""
    state, hook, checked = call.state, _find(call), Checked(call.body)
    if state.options.strict_webhook_patch:
        for key in state.dialect.webhook_required:
            if key not in call.body:
                checked.violate(key, BLANK, Code.BLANK)
    changes = _changes(state, hook, checked)
    events = None if call.body.get("subscriptions") is None else _events(checked)
    checked.finish()
    for key, value in changes.items():
        setattr(hook, key, value)
    if events is not None:
        _replace_events(state, hook, events)
    return ok(shown_webhook(hook))


def _changes(state: State, hook: Webhook, checked: Checked) -> dict[str, object]:
    """The attributes a PATCH changes; null is no change."""
    body, changes = checked.body, dict[str, object]()
    if body.get("name") is not None:
        changes["name"] = _name(state, checked, hook)
    if body.get("url") is not None and state.dialect.webhook_url:
        changes["url"] = _url(state, checked, hook)
    if (secret := typed(body, "secret", str)) is not None:
        changes["secret"] = secret
    if (active := typed(body, "active", bool)) is not None:
        changes["active"] = active
    return changes


def delete_webhook(call: Call) -> Answer:
    del call.state.webhooks[_find(call).id]
    return nothing()


def _find(call: Call) -> Webhook:
    hook = call.state.webhooks.get(call.args[0])
    if hook is None:
        raise not_found()
    return hook


def _name(state: State, checked: Checked, own: Webhook | None) -> str:
    name = checked.text("name", required=True, longest=LONGEST_NAME) or ""
    if any(hook.name == name and hook is not own for hook in state.webhooks.values()):
        checked.violate("name", TAKEN, Code.TAKEN)
    return name


def _url(state: State, checked: Checked, own: Webhook | None) -> str:
    url = checked.text("url", required=True) or ""
    if url and not URL.fullmatch(url):
        checked.violate("url", "This value is not a valid URL.", Code.NOT_URL)
    if any(hook.url == url and hook is not own for hook in state.webhooks.values()):
        checked.violate("url", TAKEN, Code.TAKEN)
    return url


def _events(checked: Checked) -> dict[str, int]:
    """Wanted events and schema versions; both spellings of an item are taken (api.md 5.8)."""
    events: dict[str, int] = {}
    for place, item in enumerate(typed(checked.body, "subscriptions", list) or []):
        entry: Mapping[str, object] = item if isinstance(item, dict) else {"event": item}
        event = typed(entry, "event", str) or ""
        if event not in EVENTS:
            checked.violate(f"subscriptions[{place}]", NOT_A_CHOICE, Code.NOT_A_CHOICE)
        elif event in events:
            checked.violate("subscriptions", "This collection should hold each value once.", Code.REFUSED)
        else:
            events[event] = typed(entry, "schemaVersion", int) or default_version(event)
    return events


def _replace_events(state: State, hook: Webhook, wanted: dict[str, int]) -> None:
    """Events that are no longer wanted stay as disabled rows; one that comes back is enabled again."""
    known = {row.event: row for row in hook.events}
    for event, version in wanted.items():
        if event not in known:
            hook.events.append(Event(state.new_uuid(), event, version))
        else:
            row = known[event]
            row.version, row.disabled_at, row.disabled_reason = version, None, None
    for row in hook.events:
        if row.event not in wanted and row.disabled_at is None:
            row.disabled_at, row.disabled_reason = state.stamp(), "USER_CANCELED"
    if not state.options.keep_disabled_events:
        hook.events = [row for row in hook.events if row.event in wanted]
