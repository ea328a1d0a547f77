"""Which files are read, and which are refused."""

import os
from pathlib import Path

import pytest

from reconciler.config.files import discover, is_inside, locate, read, shown_name
from reconciler.errors import ConfigurationError


def write(folder, *names):
    """Empty files, their folders made."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


def names(found, folder):
    """Paths as text relative to a folder."""
    return [file.relative_to(folder).as_posix() for file in found]


def refused(*arguments, **more):
    """The problems of a discovery, as lines."""
    with pytest.raises(ConfigurationError) as caught:
        discover(*arguments, **more)
    return [str(problem) for problem in caught.value.problems]


def test_every_yaml_below_a_folder_in_order(tmp_path):
    """Hidden ones, other suffixes and the settings are left out; nested settings are not settings."""
    write(
        tmp_path,
        "b.yaml",
        "a.yml",
        "sub/c.yaml",
        "sub/reconciler.yaml",
        ".hidden.yaml",
        ".github/x.yaml",
        "x.json",
        "reconciler.yaml",
        "reconciler.yml",
        "sub/.y/z.yml",
    )
    assert names(discover(tmp_path), tmp_path) == ["a.yml", "b.yaml", "sub/c.yaml"]


def test_a_folder_of_the_project(tmp_path):
    """What is below it only."""
    write(tmp_path, "a.yaml", "sub/b.yaml")
    assert names(discover(tmp_path / "sub", project=tmp_path), tmp_path) == ["sub/b.yaml"]


def test_a_single_file_stands_for_itself(tmp_path):
    """Whatever it is called, also beside the project."""
    write(tmp_path, "p/a.yaml", "q/site.txt")
    assert discover(tmp_path / "q/site.txt", project=tmp_path / "p") == [tmp_path / "q/site.txt"]
    assert discover(tmp_path / "p/a.yaml") == [tmp_path / "p/a.yaml"]


def test_missing_and_empty(tmp_path):
    """Both say what to do, by the name as typed."""
    assert refused(Path("nobody")) == ["nobody: no such file or folder; check the path"]
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty", cwd=tmp_path) == [
        'empty: no YAML files in this folder; run "reconciler init" or pass another folder'
    ]


def test_files_lists_names_patterns_and_folders(tmp_path):
    """Relative to the project, each file once, in order."""
    write(tmp_path, "a.yaml", "people/b.yaml", "people/c.yml", "people/d.txt", "other/e.yaml", ".x/f.yaml")
    assert names(discover(tmp_path, ["people", "a.yaml", "people/*.yaml"]), tmp_path) == [
        "a.yaml",
        "people/b.yaml",
        "people/c.yml",
    ]
    assert names(discover(tmp_path, ["**/*.yaml"]), tmp_path) == ["a.yaml", "other/e.yaml", "people/b.yaml"]
    assert names(discover(tmp_path, [".x/*.yaml"]), tmp_path) == [".x/f.yaml"]
    assert names(discover(tmp_path / "people", ["**/*.yaml"], project=tmp_path), tmp_path) == ["people/b.yaml"]


def test_files_may_leave_out(tmp_path):
    """With a leading exclamation mark; ``.`` stands for all."""
    write(tmp_path, "a.yaml", "b.yaml", "sub/c.yaml", ".x/d.yaml")
    assert names(discover(tmp_path, ["!sub"]), tmp_path) == ["a.yaml", "b.yaml"]
    assert names(discover(tmp_path, [".", "!b.yaml", ".x/d.yaml"]), tmp_path) == [".x/d.yaml", "a.yaml", "sub/c.yaml"]


@pytest.mark.parametrize("pattern", ["/etc/*.yaml", "../*.yaml", "a/../../b.yaml", ""])
def test_files_stay_inside(tmp_path, pattern):
    """Absolute patterns and those that climb are refused."""
    write(tmp_path, "a.yaml")
    assert "is outside of the project" in refused(tmp_path, ["a.yaml", pattern])[0]


def test_files_that_name_nothing(tmp_path):
    """Every such pattern is reported at once."""
    write(tmp_path, "a.yaml")
    assert refused(tmp_path, ["nobody.yaml", "none/*.yaml", "**x"]) == [
        "files: no file matches nobody.yaml; check the pattern, or remove it",
        "files: no file matches none/*.yaml; check the pattern, or remove it",
        "files: invalid pattern **x; use a pattern such as people/*.yaml",
        "files: no file matches **x; check the pattern, or remove it",
    ]


def test_links_out_of_the_project_are_refused(tmp_path):
    """Of files and of folders, all at once; a link of the given name too."""
    write(tmp_path, "out/x.yaml", "p/a.yaml")
    project = tmp_path / "p"
    (project / "link.yaml").symlink_to(tmp_path / "out/x.yaml")
    (project / "folder").symlink_to(tmp_path / "out")
    assert refused(project, cwd=project) == [
        "folder: is outside of the project folder; copy the file into the project folder",
        "link.yaml: is outside of the project folder; copy the file into the project folder",
    ]
    assert "is outside of the project" in refused(project / "link.yaml", project=project)[0]
    assert "is outside of the project" in refused(project / "folder", project=project)[0]
    assert "is outside of the project" in refused(project, ["link.yaml"])[0]


def test_links_inside_are_read_once(tmp_path):
    """A file that two names lead to is one file."""
    write(tmp_path, "a.yaml", "sub/b.yaml")
    (tmp_path / "c.yaml").symlink_to(tmp_path / "a.yaml")
    (tmp_path / "again").symlink_to(tmp_path / "sub")
    assert names(discover(tmp_path), tmp_path) == ["a.yaml", "sub/b.yaml"]


def test_what_is_no_file_is_refused(tmp_path):
    """A pipe would block, a broken link leads nowhere, a locked file is said to be so."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "broken.yaml").symlink_to(tmp_path / "nobody")
    found = refused(tmp_path, cwd=tmp_path)
    assert found[0].startswith("broken.yaml: cannot be read: no such file or directory")
    assert found[1].startswith("pipe.yaml: is not a regular file")


def test_unreadable_files(tmp_path, monkeypatch):
    """Before and while reading."""
    write(tmp_path, "a.yaml")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "permission denied" in refused(tmp_path)[0]
    with pytest.raises(ConfigurationError, match="cannot be read: is a directory"):
        read(tmp_path, "x")


def test_names_are_shown_as_typed(tmp_path):
    """Relative where that is shorter, never made longer."""
    assert shown_name(tmp_path / "a.yaml", tmp_path) == "a.yaml"
    assert shown_name(Path("/x.yaml"), tmp_path) == "/x.yaml"
    assert shown_name(Path("sub/a.yaml")) == "sub/a.yaml"
    assert shown_name(tmp_path / "a.yaml") == str(tmp_path / "a.yaml")


def test_locating_takes_the_first_folder_that_has_it(tmp_path):
    """The project comes first."""
    write(tmp_path, "p/x.csv", "q/x.csv", "q/y.csv")
    roots = [tmp_path / "p", tmp_path / "q"]
    assert locate("x.csv", roots) == (tmp_path / "p/x.csv").resolve()
    assert locate("y.csv", roots) == (tmp_path / "q/y.csv").resolve()
    assert is_inside(tmp_path / "q/new.csv", roots)
    assert not is_inside(tmp_path / "r", roots)
    with pytest.raises(ConfigurationError, match="no such file: z"):
        locate("z", roots)


def test_another_drive_has_no_relative_name(tmp_path, monkeypatch):
    """Where there is no relative path the absolute one is shown."""

    def refuse(*_):
        raise ValueError("path is on another mount")

    monkeypatch.setattr(os.path, "relpath", refuse)
    assert shown_name(tmp_path / "a.yaml", tmp_path) == str(tmp_path / "a.yaml")
