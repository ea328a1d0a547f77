"""Any file with comments × whatever the account changed: the patch touches the changed values and no other byte."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import given, note
from hypothesis import strategies as st

from reconciler.emulator import Account, Emulator
from tests.properties.test_pull import TEXT
from tests.support.hands import rename_person
from tests.support.project import Project

EMAIL = "ann@example.com"
#: Field → its slug in requests.
FIELDS = {"first_name": "first_name", "last_name": "surname", "f1": "f1", "f2": "f2"}
TAGS = ["A", "B", "C d"]
EVENTS = ["SALE_NEW", "CONTACT_CREATED", "CONTACT_OPT_IN"]


class Piece(NamedTuple):
    """Text of a file; ``name`` where it is a value that may change."""

    text: str
    name: str = ""


class Written(NamedTuple):
    """A file in pieces, how it is encoded, and what is changed by hand: fields, tags that go, events that are."""

    pieces: list[Piece]
    newline: str
    mark: bytes
    fields: dict[str, str]
    gone: list[str]
    events: list[str]

    def encoded(self) -> bytes:
        return self.mark + "".join(piece.text for piece in self.pieces).replace("\n", self.newline).encode()

    def changed(self) -> set[str]:
        return {*self.fields, *(["tags"] if self.gone else []), "events"}


class _Writer:
    """Writes YAML in the style that is drawn at each place."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.pieces, self.comments = draw, list[Piece](), 0

    def say(self, text: str, name: str = "") -> None:
        self.pieces.append(Piece(text, name))

    def comment(self) -> str:
        """A comment of its own, or none."""
        self.comments += 1
        return self.draw(st.sampled_from(["", "", "  ", f"  # c{self.comments} 'é' [x]", f" #c{self.comments}: {{"]))

    def end(self, indent: int = 4) -> None:
        """The end of a line, and what may stand between it and the next one."""
        self.say(self.comment() + "\n" + self.draw(st.sampled_from(["", "", "\n", f"{' ' * indent}# between\n"])))

    def value(self) -> str:
        word = self.draw(st.sampled_from(["Ann", "x y", "it", "null"]))
        styles = ["'{}'", '"{}"'] + ([] if word == "null" else ["{}"])
        return self.draw(st.sampled_from(styles)).format(word)

    def words(self, name: str, words: list[str]) -> None:
        """A list in brackets, in brackets over several lines, or line by line."""
        way = self.draw(st.sampled_from(["flow", "spread", "block", "flush"]))
        if way == "flow":
            gap = self.draw(st.sampled_from([", ", ",", " , "]))
            self.say(f" [{gap.join(words)}]", name)
            return self.end()
        if way == "spread":
            lines = "".join(f"      {word},{self.comment()}\n" for word in words)
            self.say(f" [\n{lines}    ]", name)
            return self.end()
        lead = "      - " if way == "block" else "    - "
        self.say("", name)  # where an empty list would be said
        self.say(self.comment() + "\n")
        self.say("".join(f"{lead}{word}{self.comment()}\n" for word in words), name)
        return None


@st.composite
def files(draw: st.DrawFn) -> Written:
    """One person with fields and tags, one webhook, in any order of keys and any style."""
    writer = _Writer(draw)
    writer.say(
        "# top\ncontact_fields: [{slug: f1, name: One}, {slug: f2, name: Two}]\ntags: [A, B, C d]\ncontacts:\n"
    )
    writer.say(f"  - email: {EMAIL}")
    writer.end()
    for key in draw(st.permutations(["first_name", "last_name", "fields", "tags"])):
        writer.say(f"    {key}:")
        if key == "tags":
            writer.words("tags", TAGS)
        elif key == "fields":
            _entries(draw, writer)
        else:
            writer.say(f" {writer.value()}", key)
            writer.end()
    writer.say("webhooks:\n  - name: H\n    events:")
    writer.words("events", EVENTS[:2])
    writer.say("    url: https://h.example.com/\n    secret: {env: S}" + draw(st.sampled_from(["\n", "", "  # end"])))
    fields = draw(st.dictionaries(st.sampled_from(list(FIELDS)), TEXT | st.just(""), max_size=4))
    gone = draw(st.lists(st.sampled_from(TAGS), unique=True))
    events = draw(st.lists(st.sampled_from(EVENTS), unique=True, min_size=1))
    newline, mark = draw(st.sampled_from(["\n", "\r\n"])), draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return Written(writer.pieces, newline, mark, fields, gone, events)


def _entries(draw: st.DrawFn, writer: _Writer) -> None:
    if draw(st.booleans()):
        writer.say(" {f1: ")
        writer.say(writer.value(), "f1")
        writer.say(draw(st.sampled_from([", f2: ", " ,f2: "])))
        writer.say(writer.value(), "f2")
        writer.say("}")
        return writer.end()
    writer.say(writer.comment() + "\n")
    for slug in ("f1", "f2"):
        writer.say(f"      {slug}: ")
        writer.say(writer.value(), slug)
        writer.end(6)
    return None


def meddle(account: Account, project: Project, written: Written) -> None:
    """Somebody changes the account by hand."""
    ids = account.ids()
    if written.fields:
        rename_person(project, EMAIL, **{FIELDS[name]: text for name, text in written.fields.items()})
    for tag in written.gone:
        account.edit("DELETE", f"/api/contacts/{ids['contacts'][EMAIL]}/tags/{ids['tags'][tag]}")
    hook = {"name": "H", "secret": "s", "subscriptions": written.events}
    account.edit("PATCH", f"/api/webhooks/{ids['webhooks']['H']}", hook)


@given(written=files())
def test_a_patch_changes_values_only(
    server: Emulator, make_account: Callable[..., Account], tmp_path_factory: Any, written: Written
) -> None:
    """Apply, meddle, pull --all: all else is as it was, to the byte, and the next plan has nothing to write."""
    account = make_account({})
    project = Project(tmp_path_factory.mktemp("patch"), server, account)
    project.env["S"] = "s"
    path = project.folder / "site.yaml"
    path.write_bytes(written.encoded())
    project.apply()
    meddle(account, project, written)
    before = len(account.writes)
    result = project.run("pull", "--all", "--yes")
    assert result.code == 0, result.err
    after = path.read_bytes()
    note(after.decode())
    assert "Must be merged by hand" not in result.out
    fixed = [
        ".*?" if piece.name in written.changed() else re.escape(piece.text.replace("\n", written.newline))
        for piece in written.pieces
    ]
    assert re.fullmatch("".join(fixed), after.removeprefix(written.mark).decode(), re.DOTALL)
    assert after.startswith(written.mark)
    assert set(re.findall("#c?[0-9]+", written.encoded().decode())) <= set(re.findall("#c?[0-9]+", after.decode()))
    assert project.plan()["calls"]["writes"] == 0
    assert len(account.writes) == before
