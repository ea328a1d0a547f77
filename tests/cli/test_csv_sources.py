"""CSV sources from the command line: what a CSV file declares, where it says it, and what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.support import ended
from tests.support.project import Project

COURSE = """
enrollments:
  - {course: Launch, access: full_access, csv: people.csv}
"""
PEOPLE = """
tags: [VIP]
contact_fields: [{slug: company, name: Company}]
contacts:
  - csv: {file: people.csv, column: Mail, delimiter: ";", fields: {first_name: First name, fields.company: 3}}
    locale: fr
    tags: [VIP]
"""


@pytest.fixture
def school(make_project) -> Project:
    """A course, and two people who may go there."""
    return make_project(
        {
            "courses": [{"name": "Launch"}],
            "contacts": [{"email": "ann@example.com"}, {"email": "bob@example.com"}, {"email": "cid@example.com"}],
        }
    )


def origins(project: Project) -> dict[str, str]:
    """File, line and column of each change."""
    changes = project.plan()["changes"]
    return {each["address"]: ":".join(map(str, each["origin"].values())) for each in changes if each["origin"]}


def test_each_row_is_a_relation_at_its_line(school: Project) -> None:
    """A header called email is found; the case of an address does not matter; the list of the block adds up."""
    school.write('name,email\nAnn,ANN@example.com\n\n"B, Bob",bob@example.com\n', "people.csv")
    school.write(COURSE.replace("csv:", "contacts: [cid@example.com], csv:"))
    assert origins(school) == {
        "enrollment/ann@example.com/Launch": "people.csv:2:5",
        "enrollment/bob@example.com/Launch": "people.csv:4:10",
        "enrollment/cid@example.com/Launch": "site.yaml:3:54",
    }
    school.apply()
    school.assert_converged()


def test_rows_become_contacts(school: Project) -> None:
    """Mapped columns, what the block says of all, and the row as the place of everything that follows from it."""
    school.write("First name;Mail;C\nAnn;ann@example.com;Acme\n;eve@example.com;\n", "people.csv")
    school.write(PEOPLE)
    found = origins(school)
    assert found["contact/eve@example.com"] == found["tagging/eve@example.com/VIP"] == "people.csv:3:2"
    school.apply()
    school.assert_converged()
    people = {each["email"]: each for each in school.account.state()["contacts"]}
    assert people["ann@example.com"]["fields"] == {"first_name": "Ann", "company": "Acme"}
    assert (people["ann@example.com"]["locale"], people["ann@example.com"]["tags"]) == ("fr", ["VIP"])
    assert people["eve@example.com"]["fields"] == {}


def test_an_empty_cell_says_nothing_unless_null_is_meant(school: Project) -> None:
    """``empty: null`` clears; else what the account has stays."""
    school.write("email,first\nann@example.com,\n", "people.csv")
    text = "contacts: [{csv: {file: people.csv, fields: {first_name: first}%s}}]"
    school.write("contacts: [{email: ann@example.com, first_name: Ann}]")
    school.apply()
    school.write(text % "")
    assert school.run("apply", "--yes").code == 0
    assert school.account.state()["contacts"][0]["fields"] == {"first_name": "Ann"}
    school.write(text % ", empty: null")
    school.apply()
    school.assert_converged()
    assert school.account.state()["contacts"][0]["fields"] == {}


def test_a_saved_plan_is_applied_with_the_rows_that_it_was_made_from(school: Project) -> None:
    """A CSV file that is gone or has other rows ends the apply before anything is sent."""
    path = school.write("ann@example.com\nbob@example.com\n", "people.csv")
    school.write(COURSE)
    assert school.run("plan", "--out", "plan.json").code == 0
    path.unlink()
    gone = school.run("apply", "--plan", "plan.json", "--yes")
    assert (gone.code, "people.csv" in gone.err) == (1, True)
    school.write("ann@example.com\n", "people.csv")
    assert school.run("apply", "--plan", "plan.json", "--yes").code == 3
    assert school.account.writes == []
    school.write("ann@example.com\nbob@example.com\n", "people.csv")
    assert school.run("apply", "--plan", "plan.json", "--yes").code == 0
    assert len(school.account.state()["enrollments"]) == 2


def test_somebody_in_two_places_is_told_with_both(school: Project) -> None:
    """A list and a CSV source add up, and nobody is in both."""
    school.write("ann@example.com\nbob@example.com\n", "people.csv")
    school.write(COURSE.replace("csv:", "contacts: [Bob@example.com], csv:"))
    found = school.run("validate")
    assert (found.code, found.err) == (
        1,
        (
            "error: people.csv:2:1: enrollment/bob@example.com/Launch is declared twice; "
            "first declared at site.yaml:3:54; "
            "remove one of them\n"
        ),
    )


def test_two_blocks_that_name_one_csv_source_have_one_cause(school: Project) -> None:
    """One error at the second block, with the number of rows."""
    school.write("".join(f"p{number}@example.com\n" for number in range(500)), "people.csv")
    school.write(COURSE + COURSE.splitlines()[-1])
    lines = school.run("validate").err.splitlines()
    assert lines == [
        (
            "error: site.yaml:4:48: 500 rows of people.csv are declared twice; the first: "
            "enrollment/p0@example.com/Launch in line 1, first declared at people.csv:1:1; remove one of them"
        )
    ]


def test_strangers_in_a_csv_source_are_one_error(school: Project) -> None:
    """At the block that reads the file, with their number and the first of them."""
    school.write("".join(f"p{number}@example.com\n" for number in range(3000)), "people.csv")
    school.write(COURSE)
    assert school.run("plan").err.splitlines() == [
        (
            "error: site.yaml:3:48: 3,000 contacts of people.csv are neither declared nor in this account: "
            "p0@example.com (line 1), p1@example.com (line 2), p2@example.com (line 3) and 2,997 more; "
            "declare the contacts, or remove the rows"
        )
    ]


def test_an_unknown_field_beside_a_csv_source_is_one_error(school: Project) -> None:
    """Of the block and of a column, each at its place, with the number of rows that set it."""
    school.write("email,x\nann@example.com,1\nbob@example.com,\n", "people.csv")
    school.write("contacts: [{csv: {file: people.csv, fields: {fields.compny: x}}, fields: {other: y}}]\n")
    first, second, _ = school.run("plan").err.splitlines()
    assert first.startswith('error: site.yaml:1:46: no contact field named "compny"')
    assert first.endswith(" 1 row of people.csv is affected")
    assert second.startswith('error: site.yaml:1:75: no contact field named "other"')
    assert second.endswith(" 2 rows of people.csv are affected")


def test_modules_of_an_unknown_course_are_not_reported(school: Project) -> None:
    """The course is what is wrong."""
    school.write(COURSE.replace("Launch, access: full_access", "Lunch, access: partial_access, modules: [A, B]"))
    school.write("ann@example.com\n", "people.csv")
    (line,) = school.run("plan").err.splitlines()
    assert 'no course named "Lunch"' in line


def test_a_wrong_name_beside_a_csv_source_is_one_error_at_its_place(school: Project) -> None:
    """The name is wrong once, in the YAML file, however many rows use it."""
    school.write("".join(f"{name}@example.com\n" for name in ("ann", "bob", "cid")), "people.csv")
    school.write(COURSE.replace("Launch", "Lunch"))
    assert school.run("plan").err == (
        'error: site.yaml:3:14: no course named "Lunch" in this account; did you mean "Launch"? '
        "3 rows of people.csv are affected\n"
    )


def test_each_wrong_name_beside_a_csv_source_has_its_own_place(school: Project) -> None:
    """Two blocks and two short forms name what is not there; one person beside them is reported by herself."""
    school.write("email\nann@example.com\nbob@example.com\n", "people.csv")
    school.write(
        "tags: [VIP]\n"
        "contacts:\n"
        "  - csv: people.csv\n"
        "    tags: [VIP, VPI]\n"
        "    courses: [Lunch]\n"
        "enrollments:\n"
        "  - {course: Brunch, access: full_access, csv: people.csv}\n"
        "  - {course: Dinner, access: full_access, contacts: [cid@example.com]}\n"
    )
    *errors, total = school.run("plan").err.splitlines()
    assert (len(errors), total) == (4, "4 errors in 1 file. Nothing was planned.")
    places = ("site.yaml:4:17: no tag", "site.yaml:5:", "site.yaml:7:14: no course", "site.yaml:8:")
    for place in places:
        assert any(line.startswith(f"error: {place}") for line in errors), (place, errors)


@pytest.mark.parametrize(
    ("csv_source", "words"),
    [
        ("../people.csv", "is outside of the project"),
        ("link.csv", "is outside of the project"),
        ("none.csv", "no such file: none.csv"),
        (".reconciler/x.csv", "is outside of the project"),
    ],
)
def test_a_csv_source_lies_below_the_project(school: Project, csv_source: str, words: str, tmp_path: Path) -> None:
    """As secrets do: links are followed, and RECONCILER_FILES names further folders."""
    (tmp_path / "people.csv").write_text("ann@example.com\n")
    (school.folder / "link.csv").symlink_to(tmp_path / "people.csv")
    school.write("ann@example.com\n", ".reconciler/x.csv")
    school.write(COURSE.replace("people.csv", csv_source))
    found = school.run("validate")
    assert (found.code, "site.yaml:3:48" in found.err, words in found.err) == (1, True, True)


def test_another_folder_may_hold_it(school: Project, tmp_path: Path) -> None:
    """RECONCILER_FILES allows it."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "people.csv").write_text("ann@example.com\n")
    school.write(COURSE)
    found = school.run("validate", env={"RECONCILER_FILES": str(tmp_path / "lists")})
    assert (found.code, found.out) == (0, "Valid: 1 enrollment.\n")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("contacts: [{email: ann@example.com, csv: people.csv}]", "`email` and `csv` cannot be used together"),
        ("contacts: [{handle: ann, csv: people.csv}]", "`handle` and `csv` cannot be used together"),
        ("contacts: [{locale: en}]", "missing key `email` or `csv`"),
        ("contacts: [{csv: {column: 1}}]", "missing key `file`"),
        ("contacts: [{csv: {file: people.csv, fields: {email: 1}}}]", "columns go to first_name"),
        ("contacts: [{csv: {file: people.csv, encoding: ebcdic}}]", "use one of utf-8"),
        ("contacts: [{csv: {file: people.csv, delimiter: ab}}]", "a single character, or the word tab"),
        ("enrollments: [{course: L, access: full_access, csv: {file: people.csv, fields: {}}}]", "unknown key"),
        (
            "enrollments: [{course: L, access: full_access, contact: a@b.c, csv: people.csv}]",
            "cannot be used together",
        ),
        ("contacts: [{email: ann@example.com, tags_authoritative: true}]", "missing key `tags`"),
        ("contacts: [{csv: {file: people.csv, fields: {last_name: 1, fields.surname: 1}}}]", "set last_name"),
        ("tags: [{name: x, csv: people.csv}]", "unknown key `csv`"),
    ],
)
def test_what_cannot_be_said_together(school: Project, block: str, words: str) -> None:
    """One clear problem each."""
    school.write("ann@example.com\n", "people.csv")
    school.write(block)
    found = school.run("validate")
    assert (found.code, words in found.err) == (1, True), found.err


@pytest.mark.parametrize(("wrong", "total"), [(50, "50 errors"), (60, "60 errors"), (1000, "1,000 errors")])
def test_all_errors_of_a_file_are_counted(school: Project, wrong: int, total: str) -> None:
    """Fifty are shown, and the total says how many there are."""
    school.write("email\n" + "".join(f"nobody {n}\n" for n in range(wrong)), "people.csv")
    school.write(COURSE)
    said = school.run("validate").err
    assert said.count("nobody ") == 50
    assert f"{total} in 1 file." in said
    assert "are listed" not in said


def test_redacted_messages_name_nobody(school: Project) -> None:
    """Not even who is in a file twice, or is no address."""
    school.write("email\nann@example.com\nANN@example.com\nnobody at all\n", "people.csv")
    school.write(COURSE)
    found = school.run("--redact", "validate")
    assert found.code == 1
    assert "people.csv:3:1" in found.err
    assert "ann@" not in found.err.lower()
    assert "nobody at all" not in found.err


def test_spoiled_cells_are_warned_about(school: Project) -> None:
    """On standard error, by validate and by plan; redacted output shows no cell."""
    school.write("email,p\nann@example.com,3.36123E+10\n", "people.csv")
    school.write("contacts:\n  - csv: {file: people.csv, fields: {phone_number: p}}\n")
    for command in ("validate", "plan"):
        found = school.run(command)
        assert found.code == 0
        assert "warning: people.csv:2:1: phone_number: 1 cell damaged" in found.err
        assert "3.36123E+10" in found.err
        assert "3.36123E+10" not in school.run("--redact", command).err


#: By name: the file, more options of its block, and what is said of it.
BAD: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "separator": ("sep=;\nemail;n\nann@example.com;A\nann@example.com;B\n", "", ("4:1: duplicate",)),
    "one": ("ann@example.com\nANN@example.com\n", "", ('2:1: duplicate address "ANN@example.com"; first on line 1',)),
    "guarded": (
        "c,email\n'=DE,'ann@example.com\n'+x,'-bob\n",
        ", fields: {country: c}",
        (
            '2:1: invalid country "=DE"',
            """2:6: email: invalid e-mail address "'ann@example.com"; did you mean "ann@example.com"?""",
            '3:1: invalid country "+x"',
            '3:5: email: invalid e-mail address "-bob"',
        ),
    ),
    "places": (
        'n,c,email\n"x"", y",England,a@example.com\n x , France ,b@\n"a\nb",Spain,c@example.com\nd,"DE\n",f@\n',
        ", fields: {country: c}",
        (
            '2:10: invalid country "England"',
            '3:5: invalid country "France"',
            '3:14: email: invalid e-mail address "b@"',
            '4:4: invalid country "Spain"',
            '6:1: email: invalid e-mail address "f@"',
        ),
    ),
    "second": (
        'n,email\n"a, b",ann@example.com\n  "c",ANN@example.com\nd,  bob@\n',
        "",
        ('3:7: duplicate address "ANN@example.com"; first on line 2', '4:3: email: invalid e-mail address "bob@"'),
    ),
    "folded": ("name,WHO\nAnn,\n", ", column: who", ("2:5: no e-mail address in this row",)),
    "spelled": ("Who,who\nann,bob@example.com\nx,bob@example.com\n", ", column: who", ("3:3: duplicate",)),
    "empty": ("", "", ("1:1: the file is empty",)),
    "blank": ("\n \n", "", ("1:1: the file is empty",)),
    "workbook": ("PK\x03\x04\n", "", ("1:1: this is a ZIP archive",)),
    "header": ("email\n", "", ("1:1: the file has a header but no rows",)),
    "wide": (
        "email,n\nann@example.com,A,B\nbob@example.com,B,,\ncid@example.com\n",
        "",
        (
            "2:1: this row has 3 cells; the header has 2; put a cell that contains the delimiter into quotes",
            "4:1: this row has 1 cell; the header has 2; keep the delimiters of empty cells",
        ),
    ),
    "open": ('email,n\n"ann@example.com,A\n', "", ("2:1: unclosed quote",)),
    "quoted": ('email,n\n"ann"@example.com,A\n', "", ("2:1: unescaped quote inside a quoted cell",)),
    "long": ("email,n\n" + "x" * 1_000_001, "", ("2:1: this line is longer than 1000000 characters",)),
    "control": (
        "email,n\nann@example.com,A\x07\n",
        "",
        ("2:18: the character U+0007 is not allowed here; remove it",),
    ),
    "wide_text": ("email,n\nann@example.com,a\0\n", "", ("2:18: the character U+0000", "save it as UTF-8")),
    "windows": ("email,n\nann@example.com,a\x80\n", "", ("2:18: the character U+0080", "add `encoding: cp1252`")),
    "below": ("email\nann@example.com;A\n", "", ("2:1: expected one address in this row", "add `delimiter: ';'`")),
    "semicolons": ("email;name\nann@example.com;A\n", "", ("no column of semicolons.csv", "add `delimiter: ';'`")),
    "tabs": ("email\tname\nann@example.com\tA\n", "", ("add `delimiter: tab`",)),
    "sign": ("email\n", ', delimiter: "\\""', ("invalid delimiter",)),
    "comment": ("# people\nann@example.com\n", "", ("the first line looks like a comment",)),
    "two": (
        "email,E-Mail\na@example.com,b@example.com\n",
        "",
        ("two columns of two.csv are", "columns: E-Mail, email"),
    ),
    "none": ("name,who\nAnn,ann@example.com\n", "", ("no column of none.csv is called `email`", "`column: 1`")),
    "near": ("name,who\nAnn,ann@example.com\n", ", column: Wo", ('has no column "Wo"; did you mean `who`?',)),
    "zero": ("name,who\nAnn,ann@example.com\n", ", column: '0'", ('has no column "0"',)),
    "beyond": ("name,who\nAnn,ann@example.com\n", ", column: '3'", ('has no column "3"',)),
    "twice": ("who,who\nann@example.com,b\n", ", column: who", ('are called "who"; use the column number',)),
    "cases": ("Who,wHO\nann@example.com,b\n", ", column: who", ('are called "who"; use the column number',)),
}


def test_each_error_of_a_file_has_its_place(school: Project) -> None:
    """All files are read, and no error is reported that is none."""
    blocks = []
    for name, (text, options, _) in BAD.items():
        school.write(text, f"{name}.csv")
        blocks.append(f"  - csv: {{file: {name}.csv{options}}}\n")
    school.write("contacts:\n" + "".join(blocks))
    found = ended(school.run("validate"), 1)
    lines = [line for line in found.splitlines() if line.startswith("error: ")]
    for number, (name, (_, _, words)) in enumerate(BAD.items(), 2):
        mine = [line for line in lines if line.startswith((f"error: {name}.csv:", f"error: site.yaml:{number}:"))]
        places = {word.partition(": ")[0] for word in words if re.match(r"\d+:\d+: ", word)}
        assert len(mine) == max(1, len(places)), (name, mine)
        assert all(any(word in line for line in mine) for word in words), (name, mine)


def test_only_what_a_spreadsheet_damages_is_warned_about(school: Project) -> None:
    """Errors of formulas, cells that were too narrow and rounded numbers, but no text that looks like them."""
    cells = ["1e5", "+33 1", "#", "##", "#1 customer", "#A", "#N/A", "########", "3,3E+10", "#REF!", "-1e+2"]
    rows = (f'a{number}@example.com,"{cell}"\n' for number, cell in enumerate(cells))
    school.write("email,p,q\n" + "".join(row.replace("\n", ",\n") for row in rows), "people.csv")
    school.write("contacts:\n  - csv: {file: people.csv, fields: {phone_number: p, last_name: q}}\n")
    said = ended(school.run("validate"), 0, "people.csv:8:1: phone_number: 5 cells damaged", 'first "#N/A"')
    assert said.count("damaged") == 1
