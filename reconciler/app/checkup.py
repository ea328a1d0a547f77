"""A place to work in → everything that has to be right before a plan or an apply can succeed, looked at in order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from reconciler.app import ledgers
from reconciler.app.examining import Examination
from reconciler.app.workspace import Place, read_settings, read_state
from reconciler.disk.settings import Settings
from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.gateway.caller import Exchange
from reconciler.ledger.place import locate
from reconciler.ledger.store import Description
from reconciler.model.checkup import Check, bad, good, passed_over
from reconciler.render.words import count

REST = (
    "API key", "control API", "connection", "app path", "account", "dialect", "quota", "clock",
    "ledger", "ledger account", "lease", "project folder", "files",
)  # fmt: skip


def examine(
    path: Path, place: Place, *,
    log: Callable[[Exchange], None] | None = None, now: Callable[[], float] = time.time,
) -> Iterator[Check]:  # fmt: skip
    """Every check, as it is made. Nothing is written anywhere."""
    path = place.cwd / path
    try:
        settings = read_settings(path, place)
    except ConfigurationError as error:
        yield bad("settings", _first(error), "correct reconciler.yaml, the flag or the variable")
        yield from (passed_over(name, "the settings cannot be read") for name in REST)
        return
    yield good(
        "settings", f"{settings.root}" + (f", environment {settings.environment}" if settings.environment else "")
    )
    outside = Examination(settings, log, now)
    yield from outside.checks()
    yield from _ledger(settings, outside.used, now())
    yield _folder(settings.root)
    yield _files(path, settings, place)


def _ledger(settings: Settings, account: str | None, now: float) -> Iterator[Check]:
    names = ("ledger", "ledger account", "lease")
    if settings.ledger == "none":
        yield from (passed_over(name, "no ledger is kept (--ledger none)") for name in names)
        return
    try:
        ledgers.check(settings, writing=True)
        store = ledgers.peek(settings)
        if store is None:
            yield _yet_to_be(locate(settings.ledger, settings.root).path)
            yield from (passed_over(name, "there is no ledger yet") for name in names[1:])
            return
        with store:
            about = store.describe()
    except ReconcilerError as error:
        yield bad("ledger", str(error), "check --ledger (RECONCILER_LEDGER), and that the database can be reached")
        yield from (passed_over(name, "the ledger cannot be read") for name in names[1:])
        return
    size = sum(about.counts.values())
    yield good(
        "ledger", f"{about.url}: schema version {about.version}, serial {about.serial}, {count(size, 'resource')}"
    )
    yield _ownership(about, account)
    yield _lease(about, now)


def _yet_to_be(path: Path | None) -> Check:
    """Whether the first apply can make a ledger there: it makes the folders, too."""
    there = next((each for each in path.parents if each.exists()), None) if path else None
    if there is None or (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return good("ledger", "there is none yet; the first apply makes it")
    remedy = f"make {there} a folder that you may write to, or name another place with --ledger (RECONCILER_LEDGER)"
    return bad("ledger", f"there is none yet, and the first apply cannot make {path}", remedy)


def _ownership(about: Description, account: str | None) -> Check:
    if about.account is None:
        return good("ledger account", "it belongs to no account yet; the first apply binds it")
    if account is None:
        return passed_over("ledger account", f"it belongs to {about.account}; the connection in use is not known")
    if about.account == account:
        return good("ledger account", f"it belongs to {account}")
    remedy = (
        f"name that one with --connection {about.account}, use another ledger, or, if both lead to the same account, "
        "`reconciler ledger rebind`"
    )
    return bad("ledger account", f"it belongs to {about.account}, and {account} is in use", remedy)


def _lease(about: Description, now: float) -> Check:
    if about.held is None:
        return good("lease", "free")
    since = datetime.fromtimestamp(about.held.acquired, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if about.held.expires <= now:
        return good("lease", f"free; {about.held.holder} let it run out")
    hint = "wait for it, or, if it is dead, `reconciler ledger unlock`"
    return passed_over("lease", f"held by {about.held.holder} since {since}; {hint}")


def _folder(root: Path) -> Check:
    if os.access(root, os.W_OK | os.X_OK):
        return good("project folder", f"{root} takes files")
    remedy = "make it writable for you; the ledger and plan files go there"
    return bad("project folder", f"{root} takes no files of yours", remedy)


def _files(path: Path, settings: Settings, place: Place) -> Check:
    try:
        if not path.exists():
            raise ConfigurationError(f"{path} does not exist")
        state = read_state(path, settings, place)
    except ConfigurationError as error:
        return bad(
            "files", _first(error), "`reconciler validate` shows every problem; `reconciler init` writes a first file"
        )
    if not state.kinds:
        return passed_over("files", "no file declares anything; `reconciler init` writes a first one")
    return good("files", f"valid, {count(len(state.resources), 'resource')}")


def _first(error: ConfigurationError) -> str:
    more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
    return f"{error.problems[0]}{more}"
