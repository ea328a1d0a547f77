"""Replaces ``${var.x}`` and ``${env.RECONCILER_VAR_X}`` in text by their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reconciler.config.problems import nearest, shown, suggest
from reconciler.model.resource import EMPTY

#: ``${env.X}`` reads only names that begin so: the files come from a pull request, the environment does not.
READABLE = "RECONCILER_VAR_"

#: The environments that define each variable.
DefinedIn = Mapping[str, Sequence[str]]

_PART = re.compile(r"\$\$\{|\$\{([^}]*)(\}|\Z)")
_VAR = re.compile(r"var\.([A-Za-z_][A-Za-z0-9_-]*)")
_ENV = re.compile(r"env\.([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
#: A byte of an environment variable that is not UTF-8.
UNDECODED = re.compile("[\ud800-\udfff]")
_LITERAL = "write $${ for a literal ${"


class Unknown(Exception):
    """An expression without a value; ``args`` are what is wrong and what to do."""


def interpolate(
    text: str,
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    defined_in: DefinedIn = EMPTY,
) -> str:
    """The text with every expression replaced, once: values are not looked into. ``$${`` gives ``${``.

    Raises Unknown for the first expression without a value.
    """
    return _PART.sub(lambda part: _value(part, variables, environ, defined_in), text)


def _value(
    part: re.Match[str],
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    defined_in: DefinedIn,
) -> str:
    if part.group() == "$${":
        return "${"
    inner = part.group(1)
    if not part.group(2):
        raise Unknown("unclosed `${`", _LITERAL)
    if found := _VAR.fullmatch(inner):
        return _variable(found.group(1), variables, defined_in)
    if found := _ENV.fullmatch(inner):
        return _environment(found.group(1), found.group(2), environ)
    raise Unknown(f"unknown expression ${{{shown(inner)[1:-1]}}}; use ${{var.NAME}} or ${{env.NAME}}", _LITERAL)


def _variable(name: str, variables: Mapping[str, str], defined_in: DefinedIn) -> str:
    if name not in variables:
        what, environments = f'unknown variable "{name}"', defined_in.get(name)
        if not environments:
            raise Unknown(what, suggest(name, variables, noun="variables"))
        *some, last = environments
        where = f"environments {', '.join(some)} and {last}" if some else f"environment {last}"
        raise Unknown(what, f"it is defined in {where}: choose one with -e")
    return str(variables[name])


def _environment(name: str, default: str | None, environ: Mapping[str, str]) -> str:
    if not name.startswith(READABLE):
        hint = "rename the variable, or set the value under `vars:`"
        raise Unknown(f"${{env.{name}}} cannot be read: names must begin with {READABLE}", hint)
    value = environ.get(name, "")
    if default is not None:
        return value or default
    if name not in environ:
        near = nearest(name, [other for other in environ if other.startswith(READABLE)])
        hint = near or f"set it, or write ${{env.{name}:-default}}"
        raise Unknown(f"environment variable {name} is not set", hint)
    if UNDECODED.search(value):
        raise Unknown(f"environment variable {name} is not UTF-8", "set it to text")
    return value
