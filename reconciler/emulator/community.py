"""Operations on communities and memberships (api.md 5.6)."""

from __future__ import annotations

from reconciler.emulator.answers import Answer, Code, encode, listing, not_found, nothing, ok
from reconciler.emulator.calls import Call
from reconciler.emulator.checks import Checked, id_filter, page_of, path_id
from reconciler.emulator.rows import Community, Membership
from reconciler.emulator.state import State


def shown_community(row: Community) -> dict[str, object]:
    return {"id": row.id, "name": row.name, "domainName": row.domain, "path": row.path}


def list_communities(call: Call) -> Answer:
    page, text = page_of(call.query, call.state.options), call.query.get("query", "").lower()
    rows, more = call.state.communities.page(page, keep=lambda row: text in row.name.lower())
    return listing([encode(shown_community(row)) for row in rows], more)


def shown_membership(state: State, row: Membership) -> dict[str, object]:
    community = shown_community(state.communities.rows[row.community])
    return {"id": row.id, "community": community, "contact": {"id": row.contact}}


def list_memberships(call: Call) -> Answer:
    state = call.state
    wanted = {"community": id_filter(call.query, "community"), "contact": id_filter(call.query, "contact")}
    rows, more = state.memberships.page_by(page_of(call.query, call.state.options), **wanted)
    if not call.silent:
        state.memberships_read()
    return listing([encode(shown_membership(state, row)) for row in rows], more)


def create_membership(call: Call) -> Answer:
    """Accepts with 202 and no id; doing it twice is accepted too and adds no second row."""
    state, checked = call.state, Checked(call.body)
    community = path_id(call.args[0])
    if community not in state.communities.rows:
        raise not_found()
    contact = checked.integer("contactId")
    if contact is not None and contact not in state.contacts.rows:
        checked.violate("contactId", f"Contact with ID {contact} not found.", Code.NOT_FOUND)
    checked.finish()
    if contact is not None and not state.is_member(contact, community):
        state.join(contact, community, state.options.membership_delay)
    return ok({}, 202)


def delete_membership(call: Call) -> Answer:
    number = path_id(call.args[0])
    if number not in call.state.memberships.rows:
        raise not_found()
    call.state.memberships.remove(number)
    return nothing()
