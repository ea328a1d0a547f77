"""``make pictures``: examples/school on an emulated account → the pictures of a plan that the documentation shows.

The example is applied; then a few lines of the files are edited, and somebody edits the account by hand.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from rich.console import Console
from rich.text import Text

from reconciler.emulator import Account, Emulator
from tests.html.browser import Browser, chromium, missing
from tests.support.project import Project

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
DORA = "  - {email: dora@example.com, first_name: Dora, tags: [Student 2027], courses: [Bonus Course]}\n"
EDITS = (
    ("people.yaml", "name: Student 2026", "name: Student 2027"),
    ("people.yaml", "[Student 2026]", "[Student 2027]"),
    ("people.yaml", "first_name: Ada", "first_name: Ada Maria"),
    ("people.yaml", "  - email: ben@example.com\n", f"{DORA}  - email: ben@example.com\n"),
    ("students.csv", "Ben;ben@example.com\n", ""),
    ("school.yaml", "contacts: [ada@example.com, cleo@example.com]", "contacts: [ada@example.com]"),
)
HOOK = """\
contact_fields:
  - {slug: company, name: Company}
webhooks:
  - name: CRM sync
    url: https://crm.example.com/hook
    secret: {env: CRM_WEBHOOK_SECRET}
    events: [CONTACT_CREATED, SALE_NEW]
"""


def main() -> int:
    """All of them; 1 where there is no browser."""
    if missing():
        print(missing(), file=sys.stderr)
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder, Emulator(key="emulator-key") as server:
        project = edited(Path(folder) / "school", server)
        wanted = {"FORCE_COLOR": "1", "COLUMNS": "120"}
        done = project.process("plan", "--output", "html=plan.html", "--output", "text", env=wanted)
        if done.code:
            print(done.err, file=sys.stderr)
            return 1
        (PICTURES / "plan.svg").write_text(terminal(f"$ reconciler plan\n{done.out}"), encoding="utf-8")
        with chromium() as browser:
            photograph(browser, project.folder / "plan.html")
    for picture in sorted(PICTURES.iterdir()):
        print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size / 1000:.0f} kB")
    return 0


def edited(folder: Path, server: Emulator) -> Project:
    """The example as it was applied, and then changed on both sides."""
    shutil.copytree(ROOT / "examples" / "school", folder)
    seed = yaml.safe_load((ROOT / "examples" / "accounts" / "school.yaml").read_text(encoding="utf-8"))
    account = server.account("21fd90f9", seed)
    project = Project(folder, server, account)
    project.env |= {"RECONCILER_RATE_LIMIT": "10", "CRM_WEBHOOK_SECRET": "hush"}
    project.apply()
    for name, old, new in EDITS:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text, f"{name} of the example has no {old!r} any more"
        project.write(text.replace(old, new), name)
    project.write(HOOK, "hooks.yaml")
    meddle(account)
    return project


def meddle(account: Account) -> None:
    """A name and an assignment, by hand."""
    ids = account.ids()
    cleo = ids["contacts"]["cleo@example.com"]
    account.edit("PATCH", f"/api/contacts/{cleo}", {"fields": [{"slug": "first_name", "value": "Kleo"}]})
    ben, tag = ids["contacts"]["ben@example.com"], ids["tags"]["Student 2026"]
    account.edit("DELETE", f"/api/contacts/{ben}/tags/{tag}")


def terminal(output: str) -> str:
    """What a terminal shows as SVG, with the fonts of whoever looks at it: none is fetched."""
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=124, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(output.rstrip()), soft_wrap=False)
        drawn = console.export_svg(title="reconciler plan", unique_id="plan")
    return re.sub(r"@font-face\s*{.*?}\s*", "", drawn, flags=re.DOTALL)


def photograph(browser: Browser, page: Path) -> None:
    """The page by day and by night."""
    browser.size(1280, 1180)
    for scheme in ("light", "dark"):
        browser.open(page, prefers_color_scheme=scheme)
        browser.settle()
        browser.picture(PICTURES / f"report-{scheme}.png")


if __name__ == "__main__":
    sys.exit(main())
