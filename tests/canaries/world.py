"""An account, files and an environment full of things that must never show, and every command line there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from reconciler.cli.main import COMMANDS
from reconciler.emulator import Emulator
from tests.support.project import Project, Result

KEY = "canary-api-key-5b1fc0de"

#: What no artefact may hold, whatever was asked for.
SECRETS = {
    "api key": KEY,
    "webhook secret": "canary-hush-one-91ac",
    "rotated webhook secret": "canary-hush-two-77fe",
    "url token": "canary-token-one-4d20",
    "new url token": "canary-token-two-cc03",
    "ledger key": "canary-ledger-key-0a3d",
}

#: What redacted output may not hold.
PEOPLE = (
    "canary.ann@example.com",
    "canary.bob@example.com",
    "canary.cid+x@example.com",
    "canary.dee@example.com",
    "canary.eve@example.com",
    "canary.fay@example.com",
    "Annabella",
    "Annamaria",
    "Quillfeather",
    "Bobolink",
    "Ciddington",
    "Deedee Canary",
    "Evelyncanary",
    "+33698765432",
    'Canary & "Sons"',
    "Driftwoodsy",
)

FIRST = """
tags: [VIP, Gold]
contact_fields: [{slug: company, name: Company}]
contacts:
  - {email: canary.ann@example.com, first_name: Annabella, last_name: Quillfeather, phone_number: +33698765432,
     fields: {company: 'Canary & "Sons"'}, tags: [VIP]}
  - {email: canary.bob@example.com, first_name: Bobolink, tags: [VIP, Gold]}
  - {email: canary.cid+x@example.com, first_name: Ciddington}
webhooks:
  - {name: CRM, url: {env: HOOK_URL}, secret: {env: HOOK_SECRET}, events: [SALE_NEW]}
  - {name: Old, url: {env: OLD_URL}, secret: {env: HOOK_SECRET}, events: [SALE_NEW]}
"""
SECOND = """
tags: [VIP]
contact_fields: [{slug: company, name: Company}]
contacts:
  - {email: canary.ann@example.com, first_name: Annamaria, last_name: Quillfeather,
     fields: {company: 'Canary & "Sons"'}, tags: [VIP]}
  - {email: canary.bob@example.com, first_name: Bobolink, tags: [VIP]}
  - {email: canary.dee@example.com, first_name: Deedee Canary, tags: [VIP]}
webhooks:
  - {name: CRM, url: {env: HOOK_URL}, secret: {env: HOOK_SECRET}, events: [SALE_NEW, CONTACT_CREATED]}
"""
#: Wrong in every way that shows a value.
INVALID = """
tags: [canary.ann@example.com, canary.ann@example.com, {name: VIP, colour: red}]
contacts:
  - {email: Annabella, first_name: [Annabella], locale: Annabella}
  - {email: canary.ann@example.com, country: Quillfeather, tags: [Nowhere]}
  - {email: canary.ann@example.com, firstname: Annabella}
  - Annabella
webhooks:
  - {name: CRM, url: canary.bob@example.com, secret: literal, events: [canary.ann@example.com]}
"""
UNPLANNABLE = """
contacts:
  - {email: canary.ann@example.com, first_name: Annabella, fields: {companny: Quillfeather}, tags: [Gould]}
enrollments: [{course: Nothing, contacts: [canary.ann@example.com]}]
"""


class World:
    """A project that was applied once, after which files, account and secrets moved on."""

    def __init__(self, folder: Path, server: Emulator, name: str) -> None:
        seed = {
            "contacts": [{"email": "canary.eve@example.com", "fields": {"first_name": "Evelyncanary"}}],
            "courses": ["Intro"],
        }
        self.project = Project(folder, server, server.account(name, seed))
        self.project.env |= {
            "HOOK_SECRET": SECRETS["webhook secret"],
            "RECONCILER_LEDGER_KEY": SECRETS["ledger key"],
            "HOOK_URL": f"https://crm.example.com/hook/{SECRETS['url token']}",
            "OLD_URL": f"https://old.example.com/?token={SECRETS['new url token']}",
        }
        self.results: list[tuple[tuple[str, ...], Result]] = []

    def run(self, *args: str, code: int | None = None, **env: str | None) -> Result:
        """One command line; what it said is an artefact."""
        result = self.project.run(*args, env=env)
        self.results.append((args, result))
        assert code is None or result.code == code, result.err + result.out
        return result

    def settle(self, *flags: str) -> None:
        """The first apply."""
        self.project.write(FIRST)
        self.run(*flags, "apply", "--yes", code=0)

    def move_on(self) -> None:
        """Everything changes at once."""
        account = self.project.account
        ids = account.ids()["contacts"]
        rows = [{"slug": "first_name", "value": "Driftwoodsy"}]
        account.edit("PATCH", f"/api/contacts/{ids['canary.bob@example.com']}", {"fields": rows})
        self.project.write(SECOND)
        self.project.env["HOOK_SECRET"] = SECRETS["rotated webhook secret"]
        self.project.env["HOOK_URL"] = f"https://crm.example.com/hook/{SECRETS['new url token']}"

    def artefacts(self) -> Iterator[tuple[str, bytes]]:
        """All that was said, and every file that the runs left, by name."""
        for args, result in self.results:
            yield f"{' '.join(args)}: stdout", result.out.encode()
            yield f"{' '.join(args)}: stderr", result.err.encode()
        for path in sorted(self.project.folder.rglob("*")):
            if path.is_file() and path.suffix != ".yaml":
                yield str(path.relative_to(self.project.folder)), path.read_bytes()


def every_line() -> Iterator[tuple[str, ...]]:
    """Every command, those in groups included, in each of its modes; new ones come along by themselves."""
    for name in COMMANDS:
        if name in ("emulator", "mcp", "init"):  # servers, and a file that the next runs would read
            continue
        try:
            command = getattr(import_module(f"reconciler.cli.{COMMANDS[name][0]}"), name)
        except ModuleNotFoundError:
            continue
        group = command.commands.items() if isinstance(command, click.Group) else [("", command)]
        for inner, each in group:
            yield from _modes(tuple(filter(None, (name, inner))), each)


#: Arguments of commands that need some, by command.
ARGUMENTS: dict[tuple[str, ...], list[tuple[str, ...]]] = {
    ("show",): [("sealed.json",)],
    ("explain",): [("contact/canary.ann@example.com",), ("webhook/CRM",), ("contact/canary.nobody@example.com",)],
    ("history",): [(), ("1",)],
    ("undo",): [("1",)],
    ("ledger", "list"): [(), ("contact/*",)],
    ("ledger", "show"): [("contact/canary.ann@example.com",), ("webhook/CRM",), ("contact/canary.ana@example.com",)],
    ("ledger", "forget"): [("contact/canary.ana@example.com", "--yes")],
    ("ledger", "move"): [("contact/canary.cid+x@example.com", "contact/canary.fay@example.com")],
    ("ledger", "import"): [("canary.ann@example.com.json",)],
    ("schema",): [("files",), ("plan",)],
    ("watch",): [("--once",), ("--once", "--apply")],
}


def _modes(name: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
    flags = {option for parameter in command.params for option in parameter.opts}
    for arguments in ARGUMENTS.get(name, [()]):
        yield (*name, *arguments)
        for flag in ("--json", "--calls", "--detailed-exitcode"):
            if flag in flags:
                yield (*name, *arguments, flag)
    yield (*name, "--no-such-flag", "canary.ann@example.com")


def found(needles: Any, artefacts: Iterator[tuple[str, bytes]]) -> list[str]:
    """Where one of these texts is, in any way of writing it; with a line of what stands around it."""
    places = []
    for name, content in artefacts:
        for needle in needles:
            for form in {needle, json.dumps(needle)[1:-1], quote(needle), quote(needle, safe="")}:
                at = content.find(form.encode())
                if at >= 0:
                    places.append(f"{needle} in {name}: …{content[max(0, at - 60) : at + 60]!r}…")
    return places
