"""Operations on tags and contact fields (api.md 5.3, 5.4)."""

from __future__ import annotations

import re

from reconciler.emulator.answers import Answer, Code, encode, listing, not_found, nothing, ok, refuse
from reconciler.emulator.calls import Call
from reconciler.emulator.checks import TAKEN, Checked, page_of, path_id
from reconciler.emulator.rows import ContactField, Tag
from reconciler.emulator.state import State

MAX_TAG_LENGTH = 64
MAX_LABEL_LENGTH = 255
SLUG = re.compile(r"\w+", re.ASCII)


def shown_tag(tag: Tag) -> dict[str, object]:
    return {"id": tag.id, "name": tag.name, "createdAt": tag.created_at}


def list_tags(call: Call) -> Answer:
    page, text = page_of(call.query, call.state.options), call.query.get("query", "").lower()
    keep = (lambda row: text in row.name.lower()) if text else None
    rows, more = call.state.tags.page(page, keep=keep)
    return listing([encode(shown_tag(row)) for row in rows], more)


def find_tag(state: State, text: str) -> Tag:
    tag = state.tags.rows.get(path_id(text))
    if tag is None:
        raise not_found()
    return tag


def get_tag(call: Call) -> Answer:
    return ok(shown_tag(find_tag(call.state, call.args[0])))


def create_tag(call: Call) -> Answer:
    name = _tag_name(call, None)
    tag = call.state.tags.put(Tag(call.state.tags.new_id(), name, call.state.stamp()))
    return ok(shown_tag(tag), 201)


def rename_tag(call: Call) -> Answer:
    """Keeps the id and every assignment."""
    tag = find_tag(call.state, call.args[0])
    tag.name = _tag_name(call, tag)
    call.state.tag_changed(tag)
    return ok(shown_tag(tag))


def delete_tag(call: Call) -> Answer:
    call.state.remove_tag(find_tag(call.state, call.args[0]))
    return nothing()


def _tag_name(call: Call, own: Tag | None) -> str:
    checked = Checked(call.body)
    name = checked.text("name", required=True, longest=MAX_TAG_LENGTH) or ""
    taken = any(tag.name == name and tag is not own for tag in call.state.tags.rows.values())
    if taken and call.state.options.unique_tags:
        checked.violate("name", TAKEN, Code.TAKEN)
    checked.finish()
    return name


# Contact fields: identified by slug; the list has one page


def shown_field(state: State, field: ContactField) -> dict[str, object]:
    return {"slug": field.slug, state.dialect.label: field.label}


def list_fields(call: Call) -> Answer:
    return listing([encode(shown_field(call.state, row)) for row in call.state.fields.values()], False)


def create_field(call: Call) -> Answer:
    state, checked = call.state, Checked(call.body)
    label = checked.text(state.dialect.label, required=True, longest=MAX_LABEL_LENGTH)
    slug = checked.text("slug", required=True)
    if slug and not SLUG.fullmatch(slug):
        checked.violate("slug", "This value is not valid.", Code.PATTERN)
    elif slug in state.fields:
        checked.violate("slug", TAKEN, Code.TAKEN)
    checked.finish()
    field = state.fields[slug or ""] = ContactField(slug or "", label or "", False)
    state.rendered.clear()
    return ok(shown_field(state, field), 201)


def relabel_field(call: Call) -> Answer:
    state, checked = call.state, Checked(call.body)
    field = _find_field(state, call.args[0])
    label = checked.text(state.dialect.label, required=True, longest=MAX_LABEL_LENGTH)
    checked.finish()
    field.label = label or ""
    state.rendered.clear()
    return ok(shown_field(state, field))


def delete_field(call: Call) -> Answer:
    field = _find_field(call.state, call.args[0])
    if field.built_in:
        raise refuse("slug", "A built-in field cannot be deleted.", Code.REFUSED)
    call.state.remove_field(field.slug)
    return nothing()


def _find_field(state: State, slug: str) -> ContactField:
    field = state.fields.get(slug)
    if field is None:
        raise not_found()
    return field
