"""Small worlds, generated: live accounts, desired states, and changes that somebody makes by hand in between."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

World = dict[str, Any]

TAGS = ["A", "B", "C", "x/y", "50% é"]
SLUGS = ["f1", "f2"]
LABELS = ["One", "Two"]
EMAILS = ["ann@example.com", "bob@example.com", "cid@example.com"]
VALUES = ["u", "v", "no"]
LOCALES = ["en", "fr", "no"]
COURSES = {"Yoga": ["M1", "M2"], "Zen": ["N1"]}
CLUBS = ["Club", "Den"]
HOOKS = ["H1", "H2"]
EVENTS = ["SALE_NEW", "CONTACT_CREATED", "CONTACT_OPT_IN"]
SECRETS = ["S1", "S2"]
ROOM = {
    "courses": [{"name": name, "modules": modules} for name, modules in COURSES.items()],
    "communities": [{"name": name} for name in CLUBS],
}


def some(items: list[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(items), unique=True, max_size=len(items)) if items else st.just([])


def address(hook: str, number: int) -> str:
    return f"https://{hook.lower()}-{number}.example.com/"


@st.composite
def accesses(draw: st.DrawFn, course: str) -> World:
    if draw(st.booleans()):
        return {"access": draw(st.sampled_from(["full_access", "dripping_content"]))}
    modules = draw(st.lists(st.sampled_from(COURSES[course]), unique=True, min_size=1))
    return {"access": draw(st.sampled_from(["partial_access", "partial_dripping_access"])), "modules": modules}


@st.composite
def seeds(draw: st.DrawFn) -> World:
    """What the account holds before we come."""
    slugs, emails = draw(some(SLUGS)), draw(some(EMAILS))
    values = st.dictionaries(st.sampled_from([*slugs, "first_name", "surname"]), st.sampled_from(VALUES), max_size=3)
    tags = draw(some(TAGS))
    contacts = [
        {"email": email, "locale": draw(st.sampled_from(LOCALES)), "fields": draw(values), "tags": draw(some(tags))}
        for email in emails
    ]
    pairs = [(email, course) for email in emails for course in COURSES]
    places = [(email, club) for email in emails for club in CLUBS]
    hooks = [
        {
            "name": hook,
            "url": address(hook, draw(st.integers(1, 2))),
            "secret": "theirs",
            "events": draw(some(EVENTS)),
            "active": draw(st.booleans()),
        }
        for hook in draw(some(HOOKS))
    ]
    return {
        **ROOM,
        "tags": tags,
        "contact_fields": [{"slug": slug, "name": draw(st.sampled_from(LABELS))} for slug in slugs],
        "contacts": contacts,
        "enrollments": [
            {"contact": email, "course": course, **draw(accesses(course))} for email, course in draw(some(pairs))
        ],
        "memberships": [{"contact": email, "community": club} for email, club in draw(some(places))],
        "webhooks": hooks,
    }


@st.composite
def desired(draw: st.DrawFn, seed: World, before: World | None = None) -> World:
    """What the files ask for. References lead to what is declared or was live at first, most of the time."""
    tags = draw(some(TAGS))
    slugs = draw(some(SLUGS))
    known_tags = [*tags, *(tag for tag in seed["tags"] if tag not in tags)]
    known_slugs = [*slugs, *(each["slug"] for each in seed["contact_fields"] if each["slug"] not in slugs)]
    contacts = [draw(_contact(email, known_tags, known_slugs)) for email in draw(some(EMAILS))]
    emails = [each["email"] for each in contacts]
    emails += [each["email"] for each in seed["contacts"] if each["email"] not in emails]
    sugared = {(each["email"], course) for each in contacts for course in each.get("courses", ())}
    pairs = [(e, course) for e in emails for course in COURSES if (e, course) not in sugared]
    places = [(email, club) for email in emails for club in CLUBS]
    world = {
        "tags": [_tag(draw, tag, tags, before) for tag in tags],
        "contact_fields": [{"slug": slug, "name": draw(st.sampled_from(LABELS))} for slug in slugs],
        "contacts": contacts,
        "webhooks": [draw(_webhook(hook)) for hook in draw(some(HOOKS))],
        "enrollments": [
            {"contact": email, "course": course, **draw(accesses(course))} for email, course in draw(some(pairs))
        ],
        "memberships": [{"contact": email, "community": club} for email, club in draw(some(places))],
    }
    missing = draw(st.sets(st.sampled_from(["enrollments", "memberships", "webhooks"]), max_size=1))
    return {section: rows for section, rows in world.items() if section not in missing}


def _tag(draw: st.DrawFn, tag: str, tags: list[str], before: World | None) -> World:
    """A new tag may be an old one of ours under another name."""
    had = [each["name"] for each in before["tags"]] if before else []
    free = [name for name in had if name not in tags]
    if tag not in had and free and draw(st.booleans()):
        return {"name": tag, "renamed_from": draw(st.sampled_from(free))}
    return {"name": tag}


@st.composite
def _contact(draw: st.DrawFn, email: str, tags: list[str], slugs: list[str]) -> World:
    item: World = {"email": email}
    for name in ("first_name", "last_name"):
        if draw(st.booleans()):
            item[name] = draw(st.sampled_from([*VALUES, None, ""]))
    if draw(st.booleans()):
        item["locale"] = draw(st.sampled_from(LOCALES))
    if draw(st.booleans()):
        item["fields"] = {slug: draw(st.sampled_from([*VALUES, None])) for slug in draw(some(slugs))}
    if draw(st.booleans()):
        item["tags"] = draw(some(tags))
    if draw(st.booleans()):
        item["courses"] = draw(some(list(COURSES)))
    return item


@st.composite
def _webhook(draw: st.DrawFn, hook: str) -> World:
    item = {
        "name": hook,
        "url": address(hook, draw(st.integers(1, 2))),
        "secret": {"env": draw(st.sampled_from(SECRETS))},
        "events": draw(st.lists(st.sampled_from(EVENTS), unique=True, min_size=1)),
    }
    return item | draw(st.sampled_from([{}, {"active": True}, {"active": False}]))


#: What somebody does by hand: (what, to which one, with what); what is not possible is left out.
HAND = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "tag",
                "untag",
                "new tag",
                "drop tag",
                "rename tag",
                "remake tag",
                "relabel",
                "drop field",
                "value",
                "clear",
                "locale",
                "new contact",
                "drop contact",
                "remake contact",
                "expel",
                "leave",
                "enroll",
                "join",
                "pause hook",
                "events",
                "drop hook",
                "new hook",
            ]
        ),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    max_size=4,
)

PRUNE = st.fixed_dictionaries(
    {
        "contact": st.sampled_from(["none", "created", "owned"]),
        "tag": st.sampled_from(["created", "owned", "none"]),
        "webhook": st.sampled_from(["created", "owned"]),
        "enrollment": st.sampled_from(["owned", "created"]),
    }
)
