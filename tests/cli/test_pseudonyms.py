"""Redacted output beside the same output as it is: people have one pseudonym each, and all else is unchanged."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.cli.support import ended
from tests.support.project import Project

LONG = "x" * 30 + " " + "y" * 40
ANN = {
    "email": "ann@example.com",
    "first_name": "Annabel",
    "last_name": "VIP",
    "phone_number": "+33612345678",
    "fields.company": 'Acme "Zoë" & Sons',
    "fields.short": "Jo",
    "fields.word": "create",
    "fields.long": LONG,
    "fields.part": "Acme",
}
BO = {"email": "bo@example.com", "first_name": "Lee", "last_name": "Lee Ann"}
CY = "{email: cy@example.com, handle: boss, phone_number: null}"
#: What is said of these people, and the same with pseudonyms: ``<name>`` is that of a field of Ann,
#: ``<bo>`` and ``<cy>`` the others, ``<?>`` that of somebody else.
MESSAGES = {
    "ann@example.com, 'bo@example.com' and ANN@Example.com.": "<email>, '<bo>' and <email>.",
    "contact/ann@example.com: gone": "contact/<email>: gone",
    "contact/bob, tagging/ann@example.com/VIP": "contact/<?>, tagging/<email>/VIP",
    "?email=ann%40example.com&a=b": "?email=<email>&a=b",
    "https://app@example.com/x": "https://app@example.com/x",
    "Annabel, Annabella, Jo and *ann@example.com*": "<first_name>, Annabella, Jo and *<email>*",
    "+33612345678 of VIP": "<phone_number> of VIP",
    'Acme "Zoë" & Sons': "<fields.company>",
    'Acme \\"Zoë\\" & Sons': "<fields.company>",
    "Acme%20%22Zo%C3%AB%22%20%26%20Sons": "<fields.company>",
    "Acme Sons create": "<fields.part> Sons create",
    "Lee Ann Lee": "<bo.last_name> <bo.first_name>",
    '{"Annabel": "Annabel"}': '{"Annabel": "<first_name>"}',
    f'"{LONG[:59]}…"': '"<fields.long>"',
    "contact/#12": "contact/#12",
    "of @boss, contact/@boss": "of <cy>, contact/<cy>",
    "contact/* and contact/??": "contact/* and contact/??",
    "?email=zed%40example.com": "?email=<?>",
    "full_access, partial": "full_access, partial",
    "Annabel+33612345678, Annabel…": "<first_name><phone_number>, <first_name>…",
    "Lee Anna": "<bo.first_name> Anna",
    "a/ann@example.com": "a/<email>",
    "nothing": "nothing",
}


def _yaml(person: dict[str, str]) -> str:
    own = {name.removeprefix("fields."): value for name, value in person.items() if name.startswith("fields.")}
    plain = {name: value for name, value in person.items() if not name.startswith("fields.")}
    return json.dumps(plain | ({"fields": own} if own else {}), ensure_ascii=False)


@pytest.fixture
def people(make_project) -> Project:
    """Two people who are not in the account yet, and a tag that is named like one of them."""
    slugs = [name.removeprefix("fields.") for name in ANN if name.startswith("fields.")]
    project: Project = make_project(
        {"contact_fields": [{"slug": slug, "name": slug} for slug in slugs], "courses": ["Yoga"]}
    )
    project.write("tags: [First]\n")
    project.apply()
    ann = json.loads(_yaml(ANN)) | {"tags": ["VIP"], "locale": "fr", "country": "FR"}
    project.write(
        f"tags: [First, VIP]\ncontacts:\n  - {json.dumps(ann, ensure_ascii=False)}\n  - {_yaml(BO)}\n  - {CY}\n"
        "enrollments: [{contact: ann@example.com, course: Yoga, access: full_access}]\n"
    )
    return project


class Pseudonyms:
    """What each person and value is replaced by, as documents show it."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        self.unchanged: set[str] = set()

    def compare(self, plain: Any, shown: Any) -> None:
        """Both are the same but for pseudonyms, of which one stands for one text everywhere."""
        if isinstance(plain, dict):
            self.compare(list(plain), list(shown))
            self.compare(list(plain.values()), list(shown.values()))
        elif isinstance(plain, list):
            assert len(plain) == len(shown)
            for one, other in zip(plain, shown, strict=True):
                self.compare(one, other)
        elif plain == shown:
            self.unchanged |= {plain} if isinstance(plain, str) else set()
        else:
            before, marks, after = _apart(plain, shown)
            assert self.of.setdefault(plain[before : len(plain) - after], marks) == marks, (plain, shown)


def _apart(plain: str, shown: str) -> tuple[int, str, int]:
    """The one pseudonym in a text, and how much of the text is before and after it."""
    found = re.search(r"[cv]:[0-9a-f]{8}", shown)
    assert found, (plain, shown)
    before, after = found.start(), len(shown) - found.end()
    assert plain.startswith(shown[:before]), (plain, shown)
    assert plain.endswith(shown[found.end() :]), (plain, shown)
    return before, found.group(), after


def _same(project: Project, pseudonyms: Pseudonyms, *args: str) -> Any:
    """The document of a command, which differs from the redacted one by pseudonyms only."""
    plain, shown = project.run(*args), project.run("--redact", *args)
    assert (plain.code, plain.err) == (shown.code, shown.err), shown.err
    pseudonyms.compare(plain.document, shown.document)
    return plain.document


def test_documents_differ_by_pseudonyms_only(people: Project) -> None:
    """Plan, report, ledger, history and explanation: every person and value once, the same everywhere."""
    pseudonyms = Pseudonyms()
    _same(people, pseudonyms, "plan", "--json")
    expected = {*ANN.values(), *BO.values()} - {"create"}
    assert set(pseudonyms.of) >= expected
    people.apply()
    people.account.edit(
        "PATCH",
        f"/api/contacts/{people.account.ids()['contacts']['ann@example.com']}",
        {"fields": [{"slug": "first_name", "value": "Anna"}, {"slug": "company", "value": None}]},
    )
    for args in (
        ("plan", "--json"),
        ("drift", "--json"),
        ("history", "1", "--json"),
        ("ledger", "list", "--json"),
        ("explain", "contact/ann@example.com", "--json"),
    ):
        _same(people, pseudonyms, *args)
    in_rows = "FR"  # no personal field, but every row of a request body is taken for one
    assert set(pseudonyms.of) == {*ANN.values(), *BO.values(), "Anna", "@boss", "cy@example.com", in_rows}
    assert pseudonyms.unchanged & pseudonyms.of.keys() == {"create", "VIP", in_rows}
    assert len(set(pseudonyms.of.values())) == len(pseudonyms.of)
    assert {mark[0] for text, mark in pseudonyms.of.items() if "@" in text} == {"c"}
    assert {mark[0] for text, mark in pseudonyms.of.items() if "@" not in text} == {"v"}


def test_an_explanation_shows_no_personal_value(people: Project) -> None:
    """Neither a short one nor one that is a word of reconciler, in fields and in requests."""
    said = ended(people.run("--redact", "explain", "contact/ann@example.com"), 0)
    assert not re.search(r"\b(Jo|Annabel|Acme)\b|\"create\"", said), said
    assert re.search(r'desired +"v:[0-9a-f]{8}"', said), said


def test_messages_differ_by_pseudonyms_only(people: Project) -> None:
    """What a server says of people: in each spelling, as whole words, the longest value first."""
    pseudonyms = Pseudonyms()
    _same(people, pseudonyms, "plan", "--json")
    names = {name: pseudonyms.of[value] for name, value in ANN.items() if value in pseudonyms.of}
    names |= {"bo": pseudonyms.of[BO["email"]], "cy": pseudonyms.of["@boss"]}
    names |= {f"bo.{name}": pseudonyms.of[value] for name, value in BO.items()}
    for text, expected in MESSAGES.items():
        people.account.set_faults([])
        people.account.fault("status", method="POST", path="tags$", status=422, body={"detail": text}, times=None)
        said = ended(people.run("--redact", "apply", "--yes", "--target", "tag/VIP"), 1)
        (line,) = (line for line in said.splitlines() if line.startswith("  failed    tag/VIP"))
        wanted = re.sub(r"<([\w.]+)>", lambda found: names[found[1]], expected)
        shown = line.partition("POST /api/tags: ")[2]
        assert re.fullmatch(re.escape(wanted).replace(re.escape("<?>"), r"c:\w{8}"), shown), (text, shown, wanted)
