"""YAML text that every reader understands alike, and files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config import yaml_loader
from reconciler.config.variables import interpolate
from reconciler.edit import yaml_writer
from reconciler.errors import Refused
from reconciler.planner.documents import YamlItem

ODD = [
    "",
    " ",
    "~",
    "null",
    "No",
    "on",
    "y",
    "1",
    "1e3",
    "0x1F",
    ".5",
    "2024-01-01",
    "a: b",
    "a #b",
    "#a",
    "- a",
    "{",
    "[",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`",
    "|",
    ">",
    "'",
    '"',
    "\\",
    "a\nb",
    "\t",
    "\0",
    "\x85",
    "\u2028",
    "\ufeff",
    "😀",
    "${",
    "$${",
    "$$${",
    "a:",
    "a ",
    "http://example.com/?a=b",
    "<<",
    "a,b",
    "=",
    "---",
    "...",
]
TEXT = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]))


@given(
    text=st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"])),
    style=st.sampled_from(["", "'", '"']),
)
def test_a_scalar_is_its_text(text: str, style: str) -> None:
    """Read by our loader and by YAML 1.1's: the same text, in a block, in brackets and in any quotes."""
    written = yaml_writer.scalar(text, style)
    for source in (f"k: {written}\n", f"k: [{written}, x]\n", f"{{k: {written}, l: x}}\n"):
        for loaded in (yaml_loader.parse(source, "f")["k"], yaml.safe_load(source)["k"]):  # type: ignore[call-overload]
            found = loaded if isinstance(loaded, str) else loaded[0]
            assert interpolate(found, {}, {}) == text


@pytest.mark.parametrize("text", ["Ann", "ann@example.com", "https://crm.example.com/a", "x y", "日本", "it's"])
def test_ordinary_text_has_no_quotes(text: str) -> None:
    """Quotes are by rule, not by habit."""
    assert yaml_writer.scalar(text) == text


def test_a_document() -> None:
    """Comments above, short lists in brackets, longer ones line by line, what is off as a comment."""
    blocks = [
        YamlItem("VIP"),
        YamlItem({"a": "1", "b": ["x"] * 4, "c": {"d": True, "e": None}}, "note"),
        YamlItem({"f": []}, off=True),
    ]
    assert yaml_writer.document("tags", blocks, ["head"]) == (
        '# head\ntags:\n  - VIP\n  # note\n  - a: "1"\n    b:\n      - x\n      - x\n      - x\n      - x\n'
        "    c: {d: true, e: null}\n  # - f: []\n"
    )
    assert yaml_writer.document("tags", blocks[2:]) == "# tags:\n  # - f: []\n"


def test_replacing_is_all_or_nothing(tmp_path: Path) -> None:
    """One file that was changed meanwhile stops all, and no temporary file stays."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    with pytest.raises(Refused, match="changed meanwhile"):
        yaml_writer.replace({one: b"new", two: b"new"}, {one: b"1", two: b"other"})
    assert (one.read_bytes(), two.read_bytes(), len(list(tmp_path.iterdir()))) == (b"1", b"2", 2)
    one.chmod(0o640)
    yaml_writer.replace({one: b"new"}, {one: b"1"})
    assert (one.read_bytes(), one.stat().st_mode & 0o777) == (b"new", 0o640)


def test_a_later_file_that_cannot_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was replaced before it is put back."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target.name == "two":
            raise OSError(28, "No space left on device", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(Exception, match="no space left on device; nothing was written"):
        yaml_writer.replace({one: b"new", two: b"new"}, {one: b"1", two: b"2"})
    assert (one.read_bytes(), two.read_bytes(), len(list(tmp_path.iterdir()))) == (b"1", b"2", 2)
