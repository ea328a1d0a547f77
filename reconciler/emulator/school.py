"""Operations on courses, their modules and enrollments (api.md 5.5)."""

from __future__ import annotations

from reconciler.emulator.answers import Answer, Code, bad_request, encode, listing, not_found, nothing, ok, refuse
from reconciler.emulator.calls import Call
from reconciler.emulator.checks import Checked, flag_filter, id_filter, page_of, path_id, typed
from reconciler.emulator.contacts import plain_contact
from reconciler.emulator.rows import Course, Enrollment, Module
from reconciler.emulator.state import State
from reconciler.emulator.tables import SortedIds

ACCESS_TYPES = ("full_access", "partial_access", "dripping_content", "partial_dripping_access")
PARTIAL = ("partial_access", "partial_dripping_access")


def shown_course(course: Course) -> dict[str, object]:
    return {
        "id": course.id,
        "locale": course.locale,
        "domainName": course.domain,
        "path": course.path,
        "active": course.active,
        "name": course.name,
        "modules": [{"id": module.id, "name": module.name} for module in course.modules],
    }


def list_courses(call: Call) -> Answer:
    """`query` also finds a course by the name of one of its modules."""
    text, active = call.query.get("query", "").lower(), flag_filter(call.query, "active")

    def keep(row: Course) -> bool:
        names = [row.name, *(module.name for module in row.modules)]
        return (active is None or row.active is active) and any(text in name.lower() for name in names)

    rows, more = call.state.courses.page(page_of(call.query, call.state.options), keep=keep)
    return listing([encode(shown_course(row)) for row in rows], more)


def list_modules(call: Call) -> Answer:
    """The modules of one course; a newer operation than the published document (api.md 5.5)."""
    number = id_filter(call.query, "courseId")
    if number is None:
        raise refuse("courseId", "This value should be positive.", Code.NOT_POSITIVE)
    course, page = call.state.courses.rows.get(number), page_of(call.query, call.state.options)
    modules = {module.id: module for module in course.modules} if course else {}
    ids = SortedIds()
    for key in modules:
        ids.add(key)
    found = list(ids.walk(page))
    shown = [_shown_module(modules[key]) for key in found[: page.limit]]
    return listing(shown, len(found) > page.limit)


def _shown_module(module: Module) -> bytes:
    return encode({"id": module.id, "name": module.name})


# Enrollments


def shown_enrollment(state: State, row: Enrollment) -> dict[str, object]:
    course = state.courses.rows[row.course]
    return {
        "id": row.id,
        "contact": plain_contact(state, state.contacts.rows[row.contact]),
        "course": {
            "id": course.id,
            "locale": course.locale,
            "path": course.path,
            "active": course.active,
            "name": course.name,
        },
        "accessType": row.access,
        "active": True,
    }


def list_enrollments(call: Call) -> Answer:
    wanted = {"course": id_filter(call.query, "course"), "contact": id_filter(call.query, "contact")}
    rows, more = call.state.enrollments.page_by(page_of(call.query, call.state.options), **wanted)
    return listing([encode(shown_enrollment(call.state, row)) for row in rows], more)


def create_enrollment(call: Call) -> Answer:
    state, checked = call.state, Checked(call.body)
    course = state.courses.rows.get(path_id(call.args[0]))
    if course is None:
        raise not_found()
    contact = _contact(state, course, checked)
    access = checked.choice("accessType", ACCESS_TYPES, state.dialect.access)
    modules = _modules(course, access, checked)
    checked.finish()
    row = Enrollment(state.enrollments.new_id(), contact, course.id, access, modules)
    return ok(shown_enrollment(state, state.enrollments.put(row)), 201)


def _contact(state: State, course: Course, checked: Checked) -> int:
    number = checked.integer("contactId")
    if number is None:
        return -1
    if number not in state.contacts.rows:
        checked.violate("contactId", f"Contact with ID {number} not found.", Code.NOT_FOUND)
    elif is_enrolled(state, number, course.id):
        checked.violate("contactId", "This contact is enrolled already.", Code.TAKEN)
    return number


def is_enrolled(state: State, contact: int, course: int) -> bool:
    rows = state.enrollments.index("contact", contact).ids
    return any(state.enrollments.rows[number].course == course for number in rows)


def _modules(course: Course, access: str, checked: Checked) -> list[int]:
    given = typed(checked.body, "modules", list) or []
    if not all(type(number) is int for number in given):
        raise bad_request('The type of the "modules" attribute must be "integer[]".')
    own = {module.id for module in course.modules}
    if access not in PARTIAL:
        return []
    if not given:
        checked.violate("modules", "This access type needs modules.", Code.BLANK)
    for place, number in enumerate(given):
        if number not in own:
            message = f"Module with ID {number} is not in this course."
            checked.violate(f"modules[{place}]", message, Code.NOT_FOUND)
    return given


def delete_enrollment(call: Call) -> Answer:
    number = path_id(call.args[0])
    if number not in call.state.enrollments.rows:
        raise not_found()
    call.state.enrollments.remove(number)
    return nothing()
