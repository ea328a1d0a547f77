"""How a watch stands ⇄ a small JSON file for probes; and one watch for each project, held by a lock."""

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
    """The whole file or none; raises ConfigurationError when the place takes none. Times become ISO 8601, UTC."""
    document = {"format_version": FORMAT_VERSION, "pid": os.getpid()}
    document |= {key: _moment(value) if isinstance(value, float) else value for key, value in content.items()}
    try:
        storage.write(path, (json.dumps(document, indent=1) + "\n").encode())
    except OSError as error:
        raise ConfigurationError(f"the health file {path} cannot be written: {error.strerror}") from error


def read_health(path: Path, within: float, now: float) -> tuple[bool, str]:
    """Whether the watch has written its file within so many seconds, and one line about it.

    Raises ConfigurationError when there is no such file, or it is something else.
    """
    document = load(path, "health", "watch --health FILE")
    try:
        written = datetime.fromisoformat(document["updated"]).timestamp()
        text = f"{document['state']}, last round {document['last_ending'] or 'not over yet'}"
    except (KeyError, TypeError, ValueError):
        remedy = "create one with `reconciler watch --health FILE`"
        raise ConfigurationError(f"{path} is not a health file; {remedy}") from None
    age = now - written
    return document["state"] != "stopped" and age <= within, f"{text}, {max(age, 0):.0f} s ago"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@contextmanager
def only_one(ledger: str, root: Path, environment: str | None) -> Iterator[None]:
    """Hold the lock of the project's watch until the block ends; raises Locked when another process has it.

    The file stands beside an SQLite ledger, else in ``.reconciler``, or where neither can be written among the
    temporary files of this machine. It stays there, as removing it would let two in. A watch on another machine is
    not seen; the lease of a shared ledger keeps the two from writing at once.
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
        f"the lock of this watch cannot be written, neither to {beside} nor elsewhere: {problem}"
    )
