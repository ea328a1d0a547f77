"""Replaces ``{env: NAME}`` and ``{file: PATH}`` by the secrets that they refer to."""

from __future__ import annotations

import errno
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reconciler.config import storage
from reconciler.config.files import locate
from reconciler.config.problems import Complaint
from reconciler.config.scalars import UnresolvedSecret
from reconciler.errors import ConfigurationError, Problem
from reconciler.model.values import Secret

#: Prefixes of the variables of reconciler itself, which configuration files may never read.
RESERVED = ("MATON_", "RECONCILER_")
#: Names of variables that ``{env: NAME}`` reads; the environment adds patterns with ``ALLOW``, a file cannot.
READABLE = "*WEBHOOK*"
ALLOW = "RECONCILER_ENV_ALLOW"
#: A secret file holds at most this many bytes.
LARGEST = 64 * 1024


class NoSecret(Exception):
    """A secret that cannot be read; ``args`` are what is wrong and what to do."""


def unseal(places: Iterable[UnresolvedSecret], environ: Mapping[str, str], roots: Sequence[Path]) -> list[Complaint]:
    """Put a Secret into every place and return the errors. ``roots``: the project, then further folders."""
    findings = []
    known: dict[str, Secret] = {}
    for container, key, node in places:
        way, name = next(((way, node[way]) for way in ("env", "file") if isinstance(node.get(way), str)), ("", ""))
        if not way or len(node) != 1:
            continue  # invalid, and reported by validation
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
    """The value of ``env:NAME`` or ``file:PATH``; raises ConfigurationError when it cannot be read."""
    way, _, name = source.partition(":")
    try:
        return _env(name, environ) if way == "env" else _file(name, roots)
    except NoSecret as missing:
        raise ConfigurationError([Problem(source, *missing.args)]) from None


def _env(name: str, environ: Mapping[str, str]) -> str:
    if name.upper().startswith(RESERVED):
        raise NoSecret(f"configuration files cannot read {name}", "store the secret in another environment variable")
    allowed = [pattern.strip() for pattern in environ.get(ALLOW, "").split(",") if pattern.strip()]
    if not any(fnmatch.fnmatchcase(name, pattern) for pattern in (READABLE, *allowed)):
        line = f"{ALLOW}={','.join([*allowed, name])}"
        what = f"configuration files may not read environment variable {name}"
        raise NoSecret(what, f"set {line} where reconciler runs, or use a variable name that contains WEBHOOK")
    value = _without_line_end(environ.get(name, ""))
    if not value:
        state = "is empty" if name in environ else "is not set"
        raise NoSecret(f"environment variable {name} {state}", "set it to the value of the secret")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise NoSecret(f"environment variable {name} is not UTF-8", "set it to text")
    return value


def _file(name: str, roots: Sequence[Path]) -> str:
    try:
        text = storage.read(locate(name, roots), LARGEST).decode("utf-8")
    except ConfigurationError as error:
        raise NoSecret(*error.problems[0][1:]) from error
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise NoSecret(
                f"the file {name} is larger than {LARGEST:,} bytes, the limit for a secret", "check the path"
            ) from error
        raise NoSecret(
            f"cannot read file {name}: {(error.strerror or str(error)).lower()}", "check its permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise NoSecret(f"the file {name} is not UTF-8", "save the secret as UTF-8 text") from error
    text = _without_line_end(text)
    if not text:
        raise NoSecret(f"the file {name} is empty", "write the secret to it")
    return text


def _without_line_end(text: str) -> str:
    """The text without the one line end that editors and shells add to a secret."""
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
