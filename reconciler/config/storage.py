"""Reads regular files up to a size limit, and writes files atomically and never through a symbolic link."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

#: Largest file that is read into memory, in bytes.
LARGEST = 256 * 1024 * 1024
_CHUNK = 1 << 20
#: Files with personal data are for their owner only; others may be world-readable.
PRIVATE, PUBLIC = 0o600, 0o644


def read(path: Path, limit: int = LARGEST) -> bytes:
    """The content of a regular file, links followed; raises OSError, also for devices, pipes, and above ``limit``."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        content = bytearray()
        while chunk := stream.read(_CHUNK):
            content += chunk
            if len(content) > limit:
                raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return bytes(content)


def write(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write the file atomically with this mode; a link in its place is replaced. Raises OSError.

    Folders below the working directory may not be links either, as a checkout may contain links.
    """
    refuse_linked_folder(path)
    handle, temporary = create_beside(path)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            os.fchmod(stream.fileno(), mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def create_beside(path: Path) -> tuple[int, Path]:
    """A new temporary file in the folder of ``path``, open for writing and private, and its path. Raises OSError.

    :mod:`tempfile` makes such a file too, but imports seven modules for it.
    """
    temporary = path.with_name(f".reconciler-{os.urandom(8).hex()}.part")
    return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE), temporary


def refuse_linked_folder(path: Path) -> None:
    """Raises OSError where a folder between the working directory and the file is a symbolic link."""
    base, spelled = Path.cwd(), Path(os.path.normpath(path.absolute()))
    if not spelled.is_relative_to(base):
        return
    for parent in spelled.relative_to(base).parents:
        if (base / parent).is_symlink() and parent.parts:
            raise OSError(errno.ELOOP, f"{parent} is a symbolic link; use the folder that it points to", str(path))


def make_private_folder(path: Path) -> None:
    """Create a folder that only its owner can read and that git ignores. Raises OSError."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link; use the folder that it points to", str(path))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        handle = os.open(path / ".gitignore", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(b"*\n")
