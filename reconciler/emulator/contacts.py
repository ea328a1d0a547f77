"""Operations on contacts and their taggings (api.md 5.1, 5.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.emulator.answers import Answer, Code, encode, listing, not_found, nothing, refuse
from reconciler.emulator.calls import Call
from reconciler.emulator.checks import (
    EMAIL,
    NOT_A_CHOICE,
    TAKEN,
    Checked,
    Query,
    filter_id,
    flag_filter,
    moment,
    moment_filter,
    page_of,
    path_id,
    too_long,
    typed,
)
from reconciler.emulator.rows import Contact, Tag
from reconciler.emulator.state import State
from reconciler.emulator.tables import EMPTY, SortedIds

LOCALES = frozenset("en fr es it pt de nl ru jp tr ar zh sv ro cs hu sk dk id pl el sr hi no th sq sl ua".split())
LONGEST_VALUE = 255
COUNTRY = re.compile(r"[A-Za-z]{2}")
NOT_AN_EMAIL = "This value is not a valid email address."
NO_MX = "The domain of this address takes no mail."


# Answers


def plain_contact(state: State, contact: Contact) -> dict[str, object]:
    """The contact as enrollments embed it: without fields and tags."""
    return {
        "id": contact.id,
        "email": contact.email,
        "registeredAt": contact.registered_at,
        "locale": contact.locale,
        "sourceURL": contact.source_url,
        "unsubscribed": contact.unsubscribed,
        "bounced": contact.bounced,
        "needsConfirmation": contact.needs_confirmation,
    }


def full_contact(state: State, contact: Contact) -> dict[str, object]:
    beside = _slugs_beside(state)
    shown = {
        **plain_contact(state, contact),
        "fields": [
            {state.dialect.label: field.label, "slug": slug, "value": contact.fields.get(slug)}
            for slug, field in state.fields.items()
            if slug not in beside.values() and (slug in contact.fields or state.options.list_unset_fields)
        ],
        "tags": [{"id": number, "name": state.tags.rows[number].name} for number in contact.tags],
    }
    shown.update({key: contact.fields.get(slug) for key, slug in beside.items()})
    return shown


def _slugs_beside(state: State) -> dict[str, str]:
    """Keys beside `fields` and their slugs, with the account's own slug for the last name."""
    last_name = state.options.last_name_slug
    beside = state.dialect.beside_fields
    return {key: last_name if slug == "surname" else slug for key, slug in beside.items()}


def rendered(state: State, contact: Contact) -> bytes:
    """The contact as JSON bytes, kept until it changes: pages of 100 are joined from these."""
    body = state.rendered.get(contact.id)
    if body is None:
        body = state.rendered[contact.id] = encode(full_contact(state, contact))
    return body


def _forget_other_shape(state: State) -> None:
    shape = (state.options.dialect, state.options.list_unset_fields)
    if state.rendered_for != shape:
        state.rendered.clear()
        state.rendered_for = shape


# Reading


def list_contacts(call: Call) -> Answer:
    state = call.state
    _forget_other_shape(state)
    page = replace(page_of(call.query, state.options), ascending=False)  # newest first always (api.md 3)
    ids, keep = _filters(state, call.query)
    rows, more = state.contacts.page(page, ids, keep)
    return listing([rendered(state, row) for row in rows], more)


def _filters(state: State, query: Query) -> tuple[SortedIds | None, Callable[[Contact], bool] | None]:
    """The shortest list of candidates, and a test for what is left to check of each."""
    tests = _flag_tests(query) + _date_tests(query)
    ids: SortedIds | None = None
    if "tags" in query:
        wanted = [filter_id(part.strip(), "tags") for part in query["tags"].split(",")]
        ids = min((state.tagged_with(number) for number in wanted), key=len, default=None)
        tests.append(lambda row: all(number in row.tags for number in wanted))
    if "email" in query:
        ids = _of_email(state, query["email"])
    return ids, (lambda row: all(test(row) for test in tests)) if tests else None


def _of_email(state: State, email: str) -> SortedIds:
    if not EMAIL.fullmatch(email):
        raise refuse("email", NOT_AN_EMAIL, Code.NOT_EMAIL)
    contact = state.contact_by_email(email)
    if contact is None:
        return EMPTY
    ids = SortedIds()
    ids.add(contact.id)
    return ids


def _flag_tests(query: Query) -> list[Callable[[Contact], bool]]:
    tests: list[Callable[[Contact], bool]] = []
    if (bounced := flag_filter(query, "bounced")) is not None:
        tests.append(lambda row: row.bounced is bounced)
    if (unsubscribed := flag_filter(query, "unsubscribed")) is not None:
        tests.append(lambda row: row.unsubscribed is unsubscribed)
    if (unconfirmed := flag_filter(query, "needsConfirmation")) is not None:
        tests.append(lambda row: row.needs_confirmation is unconfirmed)
    return tests


def _date_tests(query: Query) -> list[Callable[[Contact], bool]]:
    tests: list[Callable[[Contact], bool]] = []
    if (before := moment_filter(query, "registeredBefore")) is not None:
        tests.append(lambda row: moment(row.registered_at) < before)
    if (after := moment_filter(query, "registeredAfter")) is not None:
        tests.append(lambda row: moment(row.registered_at) > after)
    return tests


def find_contact(state: State, text: str) -> Contact:
    contact = state.contacts.rows.get(path_id(text))
    if contact is None:
        raise not_found()
    return contact


def get_contact(call: Call) -> Answer:
    _forget_other_shape(call.state)
    return Answer(200, rendered(call.state, find_contact(call.state, call.args[0])))


# Writing


def create_contact(call: Call) -> Answer:
    state, checked = call.state, Checked(call.body)
    email = checked.text("email", required=True) or ""
    if email:
        _check_email(state, email, checked)
    locale, values = _locale(state, checked), _values(state, checked)
    checked.finish()
    fields = {slug: value for slug, value in values.items() if value}
    contact = Contact(state.contacts.new_id(), email, state.stamp(), locale, fields=fields)
    state.add_contact(contact)
    shown = full_contact(state, contact)
    call.emit("CONTACT_CREATED", {"contact": shown})
    return Answer(201, encode(shown))


def update_contact(call: Call) -> Answer:
    """Merges `fields` by slug; an e-mail in the body is an unknown key like any other, so it is dropped."""
    state, checked = call.state, Checked(call.body)
    contact = find_contact(state, call.args[0])
    locale, values = _locale(state, checked), _values(state, checked)
    checked.finish()
    if "locale" in call.body:
        contact.locale = locale
    for slug, value in values.items():
        contact.fields.pop(slug, None)
        if value:
            contact.fields[slug] = value
    state.rendered.pop(contact.id, None)
    return Answer(200, encode(full_contact(state, contact)))


def delete_contact(call: Call) -> Answer:
    call.state.remove_contact(find_contact(call.state, call.args[0]))
    return nothing()


def _check_email(state: State, email: str, checked: Checked) -> None:
    domain = email.rpartition("@")[2].lower()
    if not EMAIL.fullmatch(email):
        checked.violate("email", NOT_AN_EMAIL, Code.NOT_EMAIL)
    elif domain in state.options.no_mx or domain.endswith(".invalid"):
        checked.violate("email", NO_MX, Code.NO_MX)
    elif state.mailbox(email) in state.emails:
        checked.violate("email", TAKEN, Code.TAKEN)


def _locale(state: State, checked: Checked) -> str:
    locale = checked.text("locale")
    if locale is not None and locale not in LOCALES:
        checked.violate("locale", NOT_A_CHOICE, Code.NOT_A_CHOICE)
    return locale or state.options.default_locale


def _values(state: State, checked: Checked) -> dict[str, str | None]:
    """The field values of a body by slug; None or "" clears."""
    beside = _slugs_beside(state)
    values: dict[str, str | None] = {}
    for place, item in enumerate(typed(checked.body, "fields", list) or []):
        entry: Mapping[str, object] = item if isinstance(item, dict) else {}
        slug, value = typed(entry, "slug", str) or "", typed(entry, "value", str)
        if slug not in state.fields or slug in beside.values():
            checked.violate(f"fields[{place}].slug", f'There is no field "{slug}".', Code.NOT_FOUND)
            continue
        values[slug] = _value(state, checked, f"fields[{place}].value", slug, value)
    for key, slug in beside.items():
        if key in checked.body:
            values[slug] = _value(state, checked, key, slug, typed(checked.body, key, str))
    return values


def _value(state: State, checked: Checked, path: str, slug: str, value: str | None) -> str | None:
    if not value:
        return None
    if len(value) > LONGEST_VALUE:
        checked.violate(path, too_long(LONGEST_VALUE), Code.TOO_LONG)
    if slug == "country" and not COUNTRY.fullmatch(value):
        checked.violate(path, "This value is not a valid country.", Code.NOT_COUNTRY)
    if slug == "phone_number" and state.options.normalise_phone:
        return value.replace(" ", "")
    return value


# Taggings


def assign_tag(call: Call) -> Answer:
    """Assigning a tag twice succeeds and changes nothing (api.md 5.2)."""
    contact, checked = find_contact(call.state, call.args[0]), Checked(call.body)
    number = checked.integer("tagId")
    tag = call.state.tags.rows.get(number or -1)
    if number is not None and tag is None:
        checked.violate("tagId", f"Tag with ID {number} not found.", Code.NOT_FOUND)
    checked.finish()
    if tag is not None and call.state.assign(contact, tag):
        _emit_tag(call, "CONTACT_TAG_ADDED", contact, tag)
    return nothing()


def unassign_tag(call: Call) -> Answer:
    contact = find_contact(call.state, call.args[0])
    tag = call.state.tags.rows.get(path_id(call.args[1]))
    if tag is None or not call.state.unassign(contact, tag):
        raise not_found()
    _emit_tag(call, "CONTACT_TAG_REMOVED", contact, tag)
    return nothing()


def _emit_tag(call: Call, event: str, contact: Contact, tag: Tag) -> None:
    payload = {"contact": full_contact(call.state, contact), "tag": {"id": tag.id, "name": tag.name}}
    call.emit(event, payload)
