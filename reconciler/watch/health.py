"""The health file of a watch, for probes, and the lock that allows one watch for each project."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.commands.plan_document import load
from reconciler.config import setting_types, storage
from reconciler.errors import ConfigurationError, Locked

FORMAT_VERSION = "1.0"


def write_health(path: Path, content: Mapping[str, Any]) -> None:
    """Write the health file atomically, times as ISO 8601 in UTC; raises ConfigurationError if that fails."""
    document = {"format_version": FORMAT_VERSION, "pid": os.getpid()}
    document |= {key: _moment(value) if isinstance(value, float) else value for key, value in content.items()}
    try:
        storage.write(path, (json.dumps(document, indent=1) + "\n").encode())
    except OSError as error:
        raise ConfigurationError(f"the health file {path} cannot be written: {error.strerror}") from error


def read_health(path: Path, within: float, now: float) -> tuple[bool, str]:
    """Whether the watch wrote its file in the last ``within`` seconds, and one line about it.

    Raises ConfigurationError if the file is missing or is not a health file.
    """
    document = load(path, "health", "watch --health FILE")
    try:
        written = datetime.fromisoformat(document["updated"]).timestamp()
        text = f"{document['state']}, last cycle {document['last_ending'] or 'still running'}"
    except (KeyError, TypeError, ValueError):
        remedy = "create one with `reconciler watch --health FILE`"
        raise ConfigurationError(f"{path} is not a health file; {remedy}") from None
    age = now - written
    return document["state"] != "stopped" and age <= within, f"{text}, {max(age, 0):.0f} s ago"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@contextmanager
def only_one(ledger: str, root: Path, environment: str | None) -> Iterator[None]:
    """Hold the lock of the project's watch until the block ends; raises Locked if another process holds it.

    The lock file is next to an SQLite ledger, else in ``.reconciler``, or in the temporary folder if neither is
    writable. It is never removed, since two processes could then hold different files. A watch on another machine
    is not detected; the lock of a shared ledger prevents the two from writing at the same time.
    """
    stream = _opened(ledger, root, environment)
    try:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = os.pread(stream, 20, 0).decode("ascii", "replace").strip()
            raise Locked(
                f"another watch of this project is running (process {other or 'unknown'}); stop it, "
                "or give this one an environment and a ledger of its own"
            ) from None
        os.ftruncate(stream, 0)
        os.pwrite(stream, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(stream)


def _opened(ledger: str, root: Path, environment: str | None) -> int:
    name = f"watch-{environment}.lock" if environment else "watch.lock"
    database = setting_types.sqlite_path(ledger, root)
    beside = database.with_name(f"{database.name}.watch") if database else root / ".reconciler" / name
    key = hashlib.sha256(f"{os.getuid()}\0{beside}".encode()).hexdigest()[:16]
    problem = ""
    for path in (beside, Path(tempfile.gettempdir()) / f"reconciler-{key}.lock"):
        try:
            if path.parent == root / ".reconciler":
                storage.make_private_folder(path.parent)
            else:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            problem = error.strerror or str(error)
    raise ConfigurationError(
        f"cannot write the lock file of this watch ({beside} or the temporary folder): {problem}"
    )
