"""--target-file: patterns from a file or from standard input."""

from __future__ import annotations

import pytest

from tests.support.project import Project

FILES = """
tags: [VIP, Gold, Silver]
contacts:
  - {email: ann@example.com, tags: [VIP]}
"""


@pytest.fixture
def site(project: Project) -> Project:
    """Three tags and somebody who carries one, on an empty account."""
    project.write(FILES)
    return project


def test_a_file_lists_what_is_wanted(site: Project) -> None:
    """Comments and blank lines aside; what comes along says for whom."""
    site.write("# the first wave\n\n  tagging/*\ntag/Gold\n", "wave.txt")
    found = site.run("plan", "--target-file", "wave.txt")
    assert found.code == 0, found.err
    assert "tag/Silver" not in found.out
    assert "comes along: needed by tagging/ann@example.com/VIP" in found.out
    site.apply("--target-file", "wave.txt")
    assert sorted(site.account.state()["tags"]) == ["Gold", "VIP"]


def test_it_adds_to_targets_and_goes_into_a_saved_plan(site: Project) -> None:
    """The file is not needed again when the plan is applied, and says nothing to a plan that is whole."""
    list_file = site.write("tag/Gold\n", "wave.txt")
    assert site.run("plan", "--target", "tag/VIP", "--target-file", "wave.txt", "--out", "plan.json").code == 0
    refused = site.run("apply", "--plan", "plan.json", "--yes", "--target-file", "wave.txt")
    assert (refused.code, "applied as a whole" in refused.err) == (1, True)
    list_file.unlink()
    assert site.run("apply", "--plan", "plan.json", "--yes").code == 0
    assert sorted(site.account.state()["tags"]) == ["Gold", "VIP"]


def test_standard_input_is_a_dash(site: Project) -> None:
    """So that other programs can choose."""
    done = site.process("plan", "--target-file", "-", stdin="tag/Gold\n")
    assert (done.code, "tag/Gold" in done.out, "tag/VIP" in done.out) == (0, True, False)


def test_lines_that_match_nothing_are_told_by_line(site: Project) -> None:
    """All of them, with what is near."""
    site.write("tag/Gold\ntag/Golt\n# no\nweb/x/y/z\n", "wave.txt")
    found = site.run("plan", "--target-file", "wave.txt")
    assert found.code == 1
    assert 'wave.txt:2: tag/Golt matches no resource; did you mean "tag/Gold"' in found.err
    assert "wave.txt:4: web/x/y/z matches no resource" in found.err


def test_only_ten_lines_that_match_nothing_get_a_suggestion(site: Project) -> None:
    """All are listed; to look for a similar address takes time."""
    site.write("".join(f"tag/Gold{number}\n" for number in range(11)), "wave.txt")
    found = site.run("plan", "--target-file", "wave.txt")
    assert (found.code, found.err.count("matches no resource"), found.err.count("did you mean")) == (1, 11, 10)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"# nobody\n\n", "contains no address"), (b"tag/\xff\n", "is not UTF-8"), (None, "cannot be read")],
)
def test_a_file_that_chooses_nothing_does_not_choose_all(site: Project, content: bytes | None, words: str) -> None:
    """An empty list is a mistake, not the absence of a choice."""
    if content is not None:
        (site.folder / "wave.txt").write_bytes(content)
    found = site.run("apply", "--yes", "--target-file", "wave.txt")
    assert (found.code, words in found.err) == (1, True)
    assert site.account.state()["tags"] == []
