"""Files that cannot be used: one clear message with its place, exit 1, nothing half done, no traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.support import ended, untouched
from tests.support.project import Project

HOOK = "webhooks: [{{name: H, url: {url}, secret: {secret}, events: [SALE_NEW]}}]\n"

#: name: (the file, what is said)
BAD: dict[str, tuple[str, tuple[str, ...]]] = {
    "the key": ("tags: ['${env.MATON_API_KEY}']\n", ("site.yaml:1:8", "RECONCILER_VAR_")),
    "another variable": ("tags: ['${env.HOME}']\n", ("site.yaml:1:8", "RECONCILER_VAR_")),
    "unknown expression": ("tags: ['${file.x}']\n", ("site.yaml:1:8", "unknown expression")),
    "open expression": ("tags: ['${var.x']\n", ("unclosed",)),
    "unset own variable": ("tags: ['${env.RECONCILER_VAR_X}']\n", ("RECONCILER_VAR_X", "not set")),
    "unknown var": ("tags: ['${var.nope}']\n", ("nope",)),
    "file outside": (HOOK.format(url="https://h.example.com/", secret="{file: /etc/passwd}"), ("site.yaml:1",)),
    "file above": (HOOK.format(url="https://h.example.com/", secret="{file: ../x}"), ("site.yaml:1", "../x")),
    "key as secret": (HOOK.format(url="https://h.example.com/", secret="{env: MATON_API_KEY}"), ("cannot read",)),
    "own as secret": (
        HOOK.format(url="https://h.example.com/", secret="{env: RECONCILER_LEDGER_KEY}"),
        ("cannot read",),
    ),
    "literal secret": (HOOK.format(url="https://h.example.com/", secret="hush"), ("site.yaml:1", "secret")),
    "unset secret": (HOOK.format(url="https://h.example.com/", secret="{env: NOPE}"), ("NOPE is not set",)),
    "both ways": (HOOK.format(url="https://h.example.com/", secret="{env: A, file: b}"), ("site.yaml:1",)),
    "secret in a tag": ("tags: [{name: {env: HOME}}]\n", ("site.yaml:1",)),
    "broken": ("tags: [A\n", ("site.yaml:",)),
    "tab": ("tags:\n\t- A\n", ("site.yaml:2",)),
    "two documents": ("tags: [A]\n---\ntags: [B]\n", ("site.yaml:",)),
    "not a mapping": ("- A\n", ("expected a mapping",)),
    "text": ("hello\n", ("expected a mapping",)),
    "duplicate key": ("tags: [A]\ntags: [B]\n", ("site.yaml:2:1", "tags")),
    "duplicate inner key": ("contacts: [{email: a@example.com, locale: en, locale: fr}]\n", ("locale",)),
    "unknown section": ("tagz: [A]\n", ("site.yaml:1:1", "tagz", "tags")),
    "unknown key": ("contacts: [{email: a@example.com, frist_name: A}]\n", ("frist_name", "first_name")),
    "list for text": ("contacts: [{email: [a]}]\n", ("site.yaml:1",)),
    "text for list": ("tags: A\n", ("site.yaml:1",)),
    "mapping for list": ("contacts: {email: a@example.com}\n", ("site.yaml:1",)),
    "null name": ("tags: [~]\n", ("site.yaml:1",)),
    "empty name": ("tags: ['']\n", ("site.yaml:1",)),
    "blank name": ("tags: ['  ']\n", ("site.yaml:1",)),
    "missing email": ("contacts: [{first_name: A}]\n", ("email",)),
    "bad email": ("contacts: [{email: ann}]\n", ("ann",)),
    "unknown locale": ("contacts: [{email: a@example.com, locale: xx}]\n", ("site.yaml:1:43", "xx")),
    "bad country": ("contacts: [{email: a@example.com, country: France}]\n", ("France",)),
    "long tag": (f"tags: [{'x' * 65}]\n", ("site.yaml:1:8", "64")),
    "long value": (f"contacts: [{{email: a@example.com, first_name: {'x' * 256}}}]\n", ("255",)),
    "long field value": (f"contacts: [{{email: a@example.com, fields: {{first_name: {'x' * 256}}}}}]\n", ("255",)),
    "colon in a tag": ("tags: [Sale: 50%]\n", ("site.yaml:1:8", '"Sale: 50%"', "quotes")),
    "colon in a reference": ("contacts: [{email: a@example.com, tags: [A: b]}]\n", ("site.yaml:1:42", '"A: b"')),
    "directive": ("%FOO bar\n---\ntags: []\n", ("site.yaml:1:5", "unknown")),
    "half a character": ('tags: ["\\ud83d\\ude00"]\n', ("site.yaml:1:", "the character itself")),
    "beyond unicode": ('tags: ["\\UFFFFFFFF"]\n', ("site.yaml:1:", "the character itself")),
    "list behind a key": ("tags: - A\n", ("site.yaml:1:7", "its own line")),
    "extension in an item": ("tags: [{name: A, x-b: 1}]\n", ("x-b",)),
    "slug outside of ASCII": ("contact_fields: [{slug: größe, name: A}]\n", ("site.yaml:1:25", "a-z, 0-9 and _")),
    "slug": ("contact_fields: [{slug: no-word, name: A}]\n", ("no-word",)),
    "unknown event": (
        "webhooks: [{name: H, url: 'https://h.example.com/', secret: {env: S}, events: [SALE_NWE]}]\n",
        ("SALE_NWE", "SALE_NEW"),
    ),
    "url": (HOOK.format(url="ftp://h.example.com/", secret="{env: S}"), ("site.yaml:1",)),
    "partial without modules": (
        "enrollments: [{course: Yoga, access: partial_access, contact: a@example.com}]\n",
        ("modules",),
    ),
    "unknown access": ("enrollments: [{course: Yoga, access: some, contact: a@example.com}]\n", ("some",)),
    "no contact": ("enrollments: [{course: Yoga, access: full_access}]\n", ("contact",)),
    "declared twice": ("tags: [A, A]\n", ("site.yaml:1:11", "declared twice", "site.yaml:1:8")),
    "twice in another case": (
        "contacts: [{email: A@example.com}, {email: a@example.com}]\n",
        ("declared twice",),
    ),
    "the same field twice": (
        "contacts: [{email: a@example.com, first_name: A, fields: {first_name: B}}]\n",
        ("same field",),
    ),
    "unknown lifecycle": ("tags: [{name: A, lifecycle: {prevent_destory: true}}]\n", ("prevent_destroy",)),
    "a handle with spaces": ("tags: [{name: A, handle: a b}]\n", ("a b",)),
    "deep": ("tags: " + "[" * 3000 + "]" * 3000 + "\n", ("site.yaml:1",)),
    "a tag of YAML": ("tags: [!!python/object/apply:os.system ['true']]\n", ("site.yaml:1:8",)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(project: Project, name: str) -> None:
    """Each is refused before anything is read from the account."""
    text, said = BAD[name]
    project.write(text)
    talk = untouched(project, 1, *said, S="s3cret", A="a", MATON_API_KEY=project.server.key)
    assert project.account.requests == []
    assert project.server.key not in talk
    assert ended(project.run("validate", env={"S": "s3cret", "A": "a"}), 1)


#: Addresses as YAML writes them, and what is said of each.
ADDRESSES = {
    "ann@example.com": "",
    "ärger@ä.example.com": "",
    "e\\u0301@example.com": "",
    "\\u00e9@example.com": "is declared twice",
    "k@example.com": "",
    "\\u212a@example.com": "",
    "bob@": 'invalid e-mail address "bob@"; use an address such as ann@example.com',
    "bob@example.com\\n": 'did you mean "bob@example.com"?',
    "bob @ example.com": '"bob @ example.com"; did you mean "bob@example.com"?',
    "bob\\u200b@example.com": 'U+200B (zero width space) at character 4; did you mean "bob@example.com"?',
    "bob\\u00a0x@example.com": "U+00A0 (no-break space) at character 4",
    "Bob <bob@example.com>": 'did you mean "bob@example.com"?',
    "mailto:bob@example.com?subject=x": 'did you mean "bob@example.com"?',
    "bob@example,com": 'did you mean "bob@example.com"?',
    "bob..x@example.com": 'did you mean "bob.x@example.com"?',
    "bob.@example.com": 'did you mean "bob@example.com"?',
    "bob＠example。com": 'did you mean "bob@example.com"?',
}


def test_addresses(project: Project) -> None:
    """What is no address, and what was meant; two spellings of one mailbox are one."""
    project.write("contacts:\n" + "".join(f'  - {{email: "{address}"}}\n' for address in ADDRESSES))
    lines = ended(project.run("validate"), 1).splitlines()
    for number, (address, words) in enumerate(ADDRESSES.items(), 2):
        mine = [line for line in lines if line.startswith(f"error: site.yaml:{number}:")]
        assert len(mine) == bool(words), (address, mine)
        assert all(words in line for line in mine), (address, mine)


def test_an_alias_bomb(project: Project) -> None:
    """Aliases that explode are refused, fast and with a place."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    project.write("\n".join([*lines, "tags: *a9", ""]))
    untouched(project, 1, "site.yaml:", "alias")


def test_a_link_that_leads_out(project: Project, tmp_path: Path) -> None:
    """A symbolic link below the folder that points outside is no way to read a file."""
    (tmp_path / "outside").write_text("hush")
    (project.folder / "link").symlink_to(tmp_path / "outside")
    project.write(HOOK.format(url="https://h.example.com/", secret="{file: link}"))
    assert "hush" not in untouched(project, 1, "site.yaml:1", "link")


def test_a_secret_file_in_the_folder_is_read(project: Project) -> None:
    """The same inside the folder works, so that the refusals above mean something."""
    project.write("hush\n", "secret.txt")
    project.write(HOOK.format(url="https://h.example.com/", secret="{file: secret.txt}"))
    project.apply()
    assert project.account.state()["webhooks"][0]["secret"] == "hush"


def test_not_utf8(project: Project) -> None:
    """Bytes that are no text are refused with the file's name."""
    (project.folder / "site.yaml").write_bytes(b"tags: [\xff\xfe]\n")
    untouched(project, 1, "site.yaml")


def test_a_file_that_may_not_be_read(project: Project) -> None:
    """A file without rights is named; the one user who may read everything reads it."""
    path = project.write("tags: [A]\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        assert project.run("plan").code == 0
    else:
        untouched(project, 1, "site.yaml")


def test_twice_in_two_files(project: Project) -> None:
    """Both places are named."""
    project.write("tags: [A]\n", "a.yaml")
    project.write("contacts: []\ntags:\n  - A\n", "sub/b.yaml")
    untouched(project, 1, "a.yaml:1:8", "sub/b.yaml:3:5", "declared twice")


def test_all_problems_at_once(project: Project) -> None:
    """Every problem of every file, as file:line:column, each on a line of its own."""
    project.write("tags: [A]\nwrong: 1\n", "a.yaml")
    project.write("contacts:\n  - {email: nobody}\n  - {email: a@example.com, locale: xx}\n", "b.yaml")
    project.write("tags: [\n", "c.yaml")
    said = untouched(project, 1, "a.yaml:2:1", "b.yaml:2:", "b.yaml:3:", "c.yaml:")
    assert len([line for line in said.splitlines() if line.startswith("error: ")]) == 4
    document = project.run("validate", "--json").document
    assert document["valid"] is False
    assert len(document["problems"]) == 4


def test_an_empty_folder(project: Project) -> None:
    """Nothing declared never means "delete everything"."""
    untouched(project, 1, 'no YAML files in this folder; run "reconciler init" or pass another folder')


@pytest.mark.parametrize("text", ["", "# only words\n", "---\n", "{}\n", "~\n"])
def test_an_empty_file(project: Project, text: str) -> None:
    """The same for files without content, even when the ledger owns something."""
    project.write("tags: [A]\n")
    project.apply()
    project.account.clear()
    project.write(text)
    untouched(project, 1, "nothing is declared")


def test_a_path_that_is_not_there(project: Project) -> None:
    """The path is named."""
    untouched(project, 1, "nowhere", "does not exist", args=("nowhere",))
    ended(project.run("validate", "nowhere"), 1, "does not exist")


def test_a_file_named_alone(project: Project) -> None:
    """PATH may be a file; the files beside it are left out."""
    project.write("tags: [A]\n", "a.yaml")
    project.write("tags: [\n", "b.yaml")
    ended(project.run("plan", "a.yaml"), 0, "tag/A")


DANGLING = [
    ("contacts: [{email: a@example.com, tags: [Vip]}]\n", "tag", '"VIP"'),
    ("enrollments: [{contact: ann@example.com, course: Yogi, access: full_access}]\n", "course", '"Yoga"'),
    (
        "enrollments: [{contact: ann@example.com, course: Yoga, access: partial_access, modules: [Weak 1]}]\n",
        "module",
        '"Week 1"',
    ),
    ("memberships: [{contact: ann@example.com, community: Insider}]\n", "community", '"Insiders"'),
    ("memberships: [{contact: anne@example.com, community: Insiders}]\n", "contact", "ann@example.com"),
    ("contacts: [{email: a@example.com, fields: {shoo: 1}}]\n", "contact field", '"shoe"'),
    ("enrollments: [{contact: ann@example.com, course: {id: 4711}, access: full_access}]\n", "course", "4711"),
    ("enrollments: [{contact: ann@example.com, course: {path: nope}, access: full_access}]\n", "course", "nope"),
]


@pytest.mark.parametrize(("text", "kind", "near"), DANGLING)
def test_a_reference_that_leads_nowhere(make_project, text: str, kind: str, near: str) -> None:
    """The place, what is missing, and what is near it; nothing is written."""
    project = make_project(
        {
            "tags": ["VIP"],
            "contacts": [{"email": "ann@example.com"}],
            "contact_fields": [{"slug": "shoe", "name": "S"}],
            "courses": [{"name": "Yoga", "modules": ["Week 1"]}],
            "communities": [{"name": "Insiders"}],
        }
    )
    project.write(text)
    untouched(project, 1, "site.yaml:1:", f"no {kind} named", near)


def test_what_is_inside_something_missing_is_not_named(project: Project) -> None:
    """A module of a course that the account does not have: one error, of the course."""
    project.write(
        "enrollments: [{contact: ann@example.com, course: Yoga, access: partial_access, modules: [Week 1]}]\n"
        "contacts: [{email: ann@example.com}]\n"
    )
    said = untouched(project, 1, "site.yaml:1:", "no course named")
    assert "module" not in said.replace("modules: [", "")


def test_two_of_one_name(make_project) -> None:
    """Only where a name is needed and nothing says which: both ids are named."""
    project = make_project({"tags": [{"name": "A", "id": 7}, {"name": "A", "id": 8}, "B"]}, unique_tags=False)
    project.write("tags: [B]\n")
    ended(project.run("plan"), 0)
    project.write("tags: [A]\n")
    untouched(project, 1, "7", "8", "site.yaml:1:8", "id:")


def test_another_case(make_project) -> None:
    """A sole match in another case proposes the line to write."""
    project = make_project({"tags": ["VIP"]})
    project.write("tags: [vip]\n")
    untouched(project, 1, "site.yaml:1:8", "VIP", "another case")


SURVIVORS = ["no", "on", "+33612345678", "01234", "2024-01-01", "12:30", "0x10", "1_000", "nan", "Yes", "1e5", "6.10"]


def test_plain_text_survives(make_project) -> None:
    """Unquoted words that look like something else reach the account as they stand, in every text field."""
    project = make_project({"contact_fields": [{"slug": f"f{n}", "name": "F"} for n in range(len(SURVIVORS))]})
    fields = ", ".join(f"f{n}: {value}" for n, value in enumerate(SURVIVORS))
    tags = ", ".join(SURVIVORS)
    project.write(
        f"tags: [{tags}]\ncontact_fields: [{{slug: 007, name: 2024-01-01}}]\n"
        f"contacts:\n  - email: a@example.com\n    locale: no\n    first_name: 12:30\n"
        f"    phone_number: +33612345678\n"
        f"    fields: {{{fields}}}\n    tags: [no, 2024-01-01]\n"
    )
    project.apply()
    state = project.account.state()
    assert state["tags"] == sorted(SURVIVORS)
    (contact,) = state["contacts"]
    assert contact["locale"] == "no"
    assert contact["tags"] == ["2024-01-01", "no"]
    assert [contact["fields"][f"f{n}"] for n in range(len(SURVIVORS))] == SURVIVORS
    assert (contact["fields"]["first_name"], contact["fields"]["phone_number"]) == ("12:30", "+33612345678")
    assert {"slug": "007", "name": "2024-01-01"} in state["contact_fields"]
    project.assert_converged()


def test_keys_for_anchors(project: Project) -> None:
    """What begins with x- declares nothing, in the files and in the settings, whatever it holds."""
    anchors = "x-vip: &vip [VIP]\nx-all: &all {locale: en}\n"
    project.write(f"{anchors}tags: *vip\ncontacts: [{{email: a@example.com, <<: *all}}]\n")
    project.write("x-names: [&one tag]\nprune: {*one : none}\n", "reconciler.yaml")
    assert "1 contact, 1 tag." in project.run("validate").out
    assert project.run("plan").code == 0


def test_a_list_that_is_folded_into_a_text(project: Project) -> None:
    """It is valid YAML and never meant, so it is said where it stands; quoted or on one line it is meant."""
    project.write("tags:\n - a\n  - b\n - 'c\n  - d'\n - e - f\n")
    done = project.run("validate")
    assert done.code == 0
    (warning,) = [line for line in done.err.splitlines() if "warning" in line]
    assert warning.startswith(
        "warning: site.yaml:2:4: text continues on the next line: the line that begins with `- `"
    )


def test_a_duplicate_beside_other_errors(project: Project) -> None:
    """Everything at once: what can only be seen across items does not wait for a second run."""
    project.write("tags: [VIP, {name: VIP}]\ncontacts:\n  - {email: a@example.com, rooster: 1}\n")
    project.write("contacts:\n  - email: A@example.com\n", "z.yaml")
    said = project.run("validate").err
    assert "site.yaml:1:13: tag/VIP is declared twice; first declared at site.yaml:1:8" in said
    assert "site.yaml:3:28: unknown key `rooster`" in said
    assert "z.yaml:2:5: contact/a@example.com is declared twice; first declared at site.yaml:3:5" in said
    assert said.endswith("3 errors in 2 files.\n")


def test_duplicate_relations_and_ids_beside_other_errors(project: Project) -> None:
    """Also where a secret was resolved, and in CSV files; an unreadable file hides only itself."""
    hook = "{name: H, url: 'https://h.example.com/', secret: {env: A_WEBHOOK}, events: [SALE_NEW]}"
    twice = "- {course: Yoga, access: full_access, contact: a@example.com}\n"
    project.write(
        f"webhooks: [{hook}, {hook}]\ntags: [{{name: A, id: 1}}, {{name: B, id: 1}}]\nenrollments:\n{twice * 2}"
    )
    project.write("tags: [A\n", "z.yaml")
    result = project.run("validate", env={"A_WEBHOOK": "s"})
    assert [line.split(" ")[1] for line in result.err.splitlines()[:-1]] == [
        "site.yaml:1:100:",
        "site.yaml:2:26:",
        "site.yaml:5:3:",
        "z.yaml:1:7:",
    ]


def test_errors_are_counted_and_at_most_fifty_are_printed(project: Project) -> None:
    """The total is the last line; the formats for machines have all of them."""
    project.write(
        "".join(["contacts:\n", *(f"  - {{email: p{n}@example.com, country: France}}\n" for n in range(60))])
    )
    project.write("tags: [VIP, VIP]\n", "z.yaml")
    lines = project.run("plan").err.splitlines()
    assert lines[0].startswith("error: site.yaml:2:")
    assert lines[-2:] == ["… and 11 more", "61 errors in 2 files. Nothing was planned."]
    assert len(lines) == 52
    assert project.run("validate").err.splitlines()[-1] == "61 errors in 2 files."
    assert len(project.run("validate", "--json").document["problems"]) == 61


def test_a_variable_without_an_environment(project: Project) -> None:
    """The environments that define it are named."""
    project.write(
        "environments: {staging: {vars: {prefix: a}}, production: {vars: {prefix: b}}}\n", "reconciler.yaml"
    )
    project.write("tags: ['${var.prefix}-VIP']\n")
    untouched(project, 1, 'unknown variable "prefix"; it is defined in environments staging and production: choose')


def test_a_wrong_name_of_a_list_is_one_error(make_project: Callable[..., Project]) -> None:
    """At the line that names it, with the number of items that it affects."""
    people = [{"email": f"{name}@example.com"} for name in "abc"]
    project = make_project({"contacts": people, "courses": [{"name": "Bootcamp 2026"}]})
    listed = ", ".join(person["email"] for person in people)
    project.write(f"enrollments:\n  - course: Bootcamp\n    access: full_access\n    contacts: [{listed}]\n")
    said = project.run("plan").err
    assert said.count("no course named") == 1
    assert said.startswith('error: site.yaml:2:13: no course named "Bootcamp"')
    assert "3 items of its list are affected" in said
