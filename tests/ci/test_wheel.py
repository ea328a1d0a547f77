"""A wheel of the package, as pip builds it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_wheel_holds_the_pages_of_the_documentation(tmp_path: Path) -> None:
    """All of them, for ``help``; installed alone, it finds them."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md"):
        shutil.copy(ROOT / name, source)
    for name in ("reconciler", "docs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        source,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = {
            name.removeprefix("reconciler/") for name in packed.namelist() if name.startswith("reconciler/docs/")
        }
        packed.extractall(tmp_path / "site")
    assert names == {str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")}
    code = "from reconciler.commands.help import _folder; print(_folder())"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "site",
        env=unmeasured,  # the installed copy would count as untested lines
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()) == tmp_path / "site" / "reconciler" / "docs"
