"""Copies the pages of docs/ into the package, for ``reconciler help``; everything else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPages(build_py):
    """An editable install reads the pages where they are."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for page in (
                page for folder in ("", "guides", "reference") for page in Path("docs", folder).glob("*.md")
            ):
                target = Path(self.build_lib, "reconciler", page)
                self.mkpath(str(target.parent))
                self.copy_file(str(page), str(target))


setup(cmdclass={"build_py": BuildWithPages})
