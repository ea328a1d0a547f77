"""``{env: NAME}`` and ``{file: PATH}`` → the secrets they stand for, put in their places."""

from __future__ import annotations

import errno
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reconciler.config import storage
from reconciler.config.files import locate
from reconciler.config.problems import Complaint, count
from reconciler.config.scalars import UnresolvedSecret
from reconciler.errors import ConfigurationError, Problem
from reconciler.model.values import Secret

#: Our own credentials and settings are never for the files to read.
RESERVED = ("MATON_", "RECONCILER_")
#: Names of variables that ``{env: NAME}`` reads; the environment adds patterns with ``ALLOW``, a file cannot.
READABLE = "*WEBHOOK*"
ALLOW = "RECONCILER_ENV_ALLOW"
#: A secret file holds at most this many bytes.
LARGEST = 64 * 1024


class NoSecret(Exception):
    """A secret that cannot be had: ``args`` are what is wrong and what to do."""


def unseal(places: Iterable[UnresolvedSecret], environ: Mapping[str, str], roots: Sequence[Path]) -> list[Complaint]:
    """Put a Secret into every place; those that cannot be had are found. ``roots``: the project, then others."""
    findings = []
    known: dict[str, Secret] = {}
    for container, key, node in places:
        way, name = next(((way, node[way]) for way in ("env", "file") if isinstance(node.get(way), str)), ("", ""))
        if not way or len(node) != 1:
            continue  # not valid, and validation has said so
        source = f"{way}:{name}"
        try:
            if source not in known:
                known[source] = Secret(source, _env(name, environ) if way == "env" else _file(name, roots))
        except NoSecret as missing:
            findings.append(Complaint(node.value_origin(way), *missing.args))
        else:
            container[key] = known[source]  # type: ignore[index]
    return findings


def resolve(source: str, environ: Mapping[str, str], roots: Sequence[Path]) -> str:
    """The value behind ``env:NAME`` or ``file:PATH``; raises ConfigurationError when it cannot be had."""
    way, _, name = source.partition(":")
    try:
        return _env(name, environ) if way == "env" else _file(name, roots)
    except NoSecret as missing:
        raise ConfigurationError([Problem(source, *missing.args)]) from None


def _env(name: str, environ: Mapping[str, str]) -> str:
    if name.upper().startswith(RESERVED):
        raise NoSecret(f"{name} is not for the files to read", "give the secret a variable of its own name")
    allowed = [pattern.strip() for pattern in environ.get(ALLOW, "").split(",") if pattern.strip()]
    if not any(fnmatch.fnmatchcase(name, pattern) for pattern in (READABLE, *allowed)):
        line = f"{ALLOW}={','.join([*allowed, name])}"
        what = f"files may not read the environment variable {name}"
        raise NoSecret(what, f"set {line} where reconciler runs, or give it a name with WEBHOOK in it")
    value = _without_line_end(environ.get(name, ""))
    if not value:
        state = "is empty" if name in environ else "is not set"
        raise NoSecret(f"the environment variable {name} {state}", "set it to the secret")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise NoSecret(f"the environment variable {name} is not UTF-8", "set it to text")
    return value


def _file(name: str, roots: Sequence[Path]) -> str:
    try:
        text = storage.read(locate(name, roots), LARGEST).decode("utf-8")
    except ConfigurationError as error:
        raise NoSecret(*error.problems[0][1:]) from error
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise NoSecret(f"the file {name} is longer than {count(LARGEST, 'byte')}", "a secret is short") from error
        raise NoSecret(f"the file {name} cannot be read: {error.strerror}", "check its rights") from error
    except UnicodeDecodeError as error:
        raise NoSecret(f"the file {name} is not UTF-8", "a secret is text") from error
    text = _without_line_end(text)
    if not text:
        raise NoSecret(f"the file {name} is empty", "write the secret into it")
    return text


def _without_line_end(text: str) -> str:
    """Without one line end, which editors and shells leave behind a secret."""
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
