"""Replaces ``{env: NAME}``, ``{file: PATH}`` and ``{command: [PROGRAM, …]}`` by the secrets that they refer to.

| reference   | allowed without a setting | more is allowed by          |
|-------------|---------------------------|-----------------------------|
| ``env``     | names with WEBHOOK        | ``RECONCILER_ENV_ALLOW``    |
| ``file``    | files of the project      | ``RECONCILER_FILES``        |
| ``command`` | nothing                   | ``RECONCILER_SECRET_COMMANDS`` |

Only the environment allows more, never a file: files may come from an untrusted pull request.
"""

from __future__ import annotations

import errno
import fnmatch
import shlex
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from reconciler.config import storage
from reconciler.config.files import locate
from reconciler.config.positions import SequenceNode
from reconciler.config.problems import Finding
from reconciler.config.scalars import UnresolvedSecret
from reconciler.config.variables import UNDECODED
from reconciler.errors import ConfigurationError, Problem
from reconciler.model.values import Secret

#: Prefixes of the variables of reconciler itself, which configuration files may never read.
RESERVED = ("MATON_", "RECONCILER_")
#: Names of variables that ``{env: NAME}`` reads; the environment adds patterns with ``ALLOW``, a file cannot.
READABLE = "*WEBHOOK*"
ALLOW = "RECONCILER_ENV_ALLOW"
#: Programs that ``{command: […]}`` runs, comma-separated, each with the arguments that it must begin with, if any.
COMMANDS = "RECONCILER_SECRET_COMMANDS"
#: Maximum size of a secret in a file, or in the output of a command, in bytes.
MAX_SECRET_BYTES = 64 * 1024


class NoSecret(Exception):
    """A secret that cannot be read; ``args`` are what is wrong and what to do."""


def resolve_secrets(
    places: Iterable[UnresolvedSecret],
    environ: Mapping[str, str],
    roots: Sequence[Path],
    *,
    skip_commands: bool = False,
    known: dict[str, Secret | NoSecret] | None = None,
) -> list[Finding]:
    """Put a Secret into every place and return the errors. ``roots``: the project, then further folders.

    Each source is read once, and kept in ``known`` for later calls. With ``skip_commands`` a command that is not
    allowed gives an empty secret.
    """
    findings = []
    known = {} if known is None else known
    for container, key, node in places:
        way, words = _reference(node)
        if not way:
            continue  # invalid, and reported by validation
        source = f"{way}:{words[0] if way != 'command' else shlex.join(words)}"
        if source not in known:
            skipped = skip_commands and way == "command" and not _is_allowed(words, environ)
            known[source] = Secret(source, "") if skipped else _secret(source, way, words, environ, roots)
        found = known[source]
        if isinstance(found, NoSecret):
            findings.append(Finding(node.value_origin(way), *found.args))
        else:
            container[key] = found  # type: ignore[index]
    return findings


def _reference(node: Mapping[str, Any]) -> tuple[str, list[str]]:
    """``env``, ``file`` or ``command``, and its name or words; empty if the reference is invalid."""
    if len(node) == 1:
        ((way, given),) = node.items()
        if way in ("env", "file") and isinstance(given, str):
            return way, [given]
        if way == "command" and isinstance(given, SequenceNode) and given and all(isinstance(e, str) for e in given):
            return way, list(given)
    return "", []


def _secret(
    source: str, way: str, words: Sequence[str], environ: Mapping[str, str], roots: Sequence[Path]
) -> Secret | NoSecret:
    try:
        if way == "command":
            return Secret(source, _command(words, environ, roots[0]))
        return Secret(source, _env(words[0], environ) if way == "env" else _file(words[0], roots))
    except NoSecret as missing:
        return missing


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
    if UNDECODED.search(value):
        raise NoSecret(f"environment variable {name} is not UTF-8", "set it to text")
    return value


def _file(name: str, roots: Sequence[Path]) -> str:
    try:
        text = storage.read(locate(name, roots), MAX_SECRET_BYTES).decode("utf-8")
    except ConfigurationError as error:
        raise NoSecret(*error.problems[0][1:]) from error
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise NoSecret(
                f"the file {name} is larger than {MAX_SECRET_BYTES:,} bytes, the limit for a secret", "check the path"
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


def _is_allowed(words: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether the command begins with the words of one entry of ``RECONCILER_SECRET_COMMANDS``."""
    entries = (entry.split() for entry in environ.get(COMMANDS, "").split(","))
    return any(entry and list(words[: len(entry)]) == entry for entry in entries)


def _command(words: Sequence[str], environ: Mapping[str, str], folder: Path) -> str:
    """The output of the command, run in ``folder`` without a shell. Standard error may hold secrets: dropped."""
    name = words[0]
    if not _is_allowed(words, environ):
        begin = " ".join([name, *takewhile(str.isalnum, words[1:])])
        line = f'{COMMANDS}="{",".join(filter(None, [environ.get(COMMANDS, ""), begin]))}"'
        hint = f"if you trust everybody who can change the files, set {line} where reconciler runs"
        raise NoSecret(f"configuration files may not run `{begin}`", hint)
    from reconciler.config import secret_commands  # imports subprocess, and few projects run commands

    program = secret_commands.find(name, environ)
    if program is None:
        raise NoSecret(f"cannot find the program {name}", "install it, or correct PATH")
    own = {key: value for key, value in environ.items() if not key.upper().startswith(RESERVED)}
    try:
        printed, code = secret_commands.run([program, *words[1:]], own, folder, MAX_SECRET_BYTES)
    except (OSError, ValueError) as error:  # ValueError: characters that no argument can have
        what = (getattr(error, "strerror", None) or str(error)).lower()
        raise NoSecret(f"cannot run {name}: {what}", "correct the command") from error
    if code is None:
        raise NoSecret(
            f"{name} did not finish within {secret_commands.SECONDS:g} seconds",
            "sign in to it first, and run it by hand",
        )
    if len(printed) > MAX_SECRET_BYTES:
        raise NoSecret(
            f"{name} printed more than {MAX_SECRET_BYTES:,} bytes, the limit for a secret", "select one field"
        )
    if code != 0:
        how = f"failed with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        raise NoSecret(f"{name} {how}", "run it by hand in the project folder to see why")
    try:
        text = _without_line_end(printed.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NoSecret(f"{name} printed something that is not UTF-8", "select one field") from error
    if not text:
        raise NoSecret(f"{name} printed nothing", "run it by hand in the project folder")
    return text


def _without_line_end(text: str) -> str:
    """The text without the one line end that editors and shells add to a secret."""
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
