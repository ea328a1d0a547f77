"""Resolves the settings of a run from flags, environment variables and ``reconciler.yaml``, with their sources.

The first source that has a setting decides:

flag  →  RECONCILER_<NAME>  →  environments.<NAME>  →  top level of reconciler.yaml  →  default

Null in an environment removes the top-level value: one entry, or all entries of a key. No two environments may use
one connection or one ledger.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.config import files, positions, setting_types, settings_file
from reconciler.config.positions import MappingNode, copied
from reconciler.config.problems import Finding, nearest, raise_if_any, suggest
from reconciler.config.settings_schema import DIALECTS, EVENTS, NOTICES, PRESETS, WORKERS, settings_schema
from reconciler.config.validation import CompiledSchema
from reconciler.errors import Problem
from reconciler.model.policy import Limits, Prune
from reconciler.model.resource import EMPTY
from reconciler.model.values import Origin


@dataclass(frozen=True, slots=True)
class Notify:
    """Notification settings: ``url`` is a secret, ``form`` json or slack, ``link`` is added to each notification."""

    url: str | None = field(repr=False)
    form: str
    events: frozenset[str]
    link: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a run. ``sources`` holds the source of each value by name: a flag, a variable, a position in
    reconciler.yaml, or ``default``. ``repr`` hides keys and the URL of the ledger.

    ``rate_limit`` is requests per second (0: unlimited), ``fresh`` and ``wait`` seconds, ``max_minutes`` minutes;
    ``ledger`` an SQLAlchemy URL (SQLite by absolute path) or ``none``; ``files`` patterns as ``files.discover``
    takes them, None for all. ``vars_defined_in`` has the environments that define a variable, if none was chosen.
    """

    root: Path
    format: int
    requires: str | None
    environment: str | None
    api_key: str | None = field(repr=False)
    digest_key: str | None = field(repr=False)
    gateway: str
    gateway_url: str
    control_url: str
    connection: str | None
    ledger: str = field(repr=False)
    dialect: str
    rate_limit: float
    parallel: int
    fresh: float
    wait: float
    limits: Limits
    prune: Mapping[str, Prune]
    defaults: Mapping[str, positions.MappingNode]
    vars: Mapping[str, str]
    vars_defined_in: Mapping[str, Sequence[str]]
    files: tuple[str, ...] | None
    files_roots: tuple[Path, ...]
    protect: bool
    redact: bool
    ci: bool
    max_calls: int | None
    max_minutes: float | None
    notify: Notify
    sources: Mapping[str, str]


#: Minimum length of RECONCILER_LEDGER_KEY, in characters.
SHORTEST_KEY = 16
#: Settings that a block sets as a whole.
_WHOLE = ("files", "protect")


class Setting(NamedTuple):
    """One setting with a flag and a variable: its reader, its path in the file, and its default."""

    name: str
    read: setting_types.Reader
    path: tuple[str, ...]
    default: Any


_SETTINGS = (
    Setting("gateway", setting_types.choice(PRESETS), ("gateway",), "maton"),
    Setting("gateway_url", setting_types.address, (), None),
    Setting("control_url", setting_types.address, (), None),
    Setting("connection", setting_types.text, ("connection",), None),
    Setting("ledger", setting_types.ledger, ("ledger",), None),
    Setting("dialect", setting_types.choice(DIALECTS), ("dialect",), "vendor"),
    Setting("rate_limit", setting_types.rate, ("limits", "rate_limit"), setting_types.GATEWAY_RATE),
    Setting("parallel", setting_types.whole(1, WORKERS), ("limits", "parallel"), 8),
    Setting("fresh", setting_types.number, ("limits", "fresh"), 30.0),
    Setting("wait", setting_types.number, ("limits", "wait"), 7.5),
    *(
        Setting(f.name, setting_types.whole(0, f.metadata["most"]), ("limits", f.name), f.default)
        for f in fields(Limits)
    ),
    Setting("redact", setting_types.truth, ("redact",), False),
    Setting("max_calls", setting_types.whole(0), (), None),
    Setting("max_minutes", setting_types.number, (), None),
    Setting("notify_url", setting_types.hook, (), None),
    Setting("notify_format", setting_types.choice(NOTICES), ("notify", "format"), "json"),
    Setting("notify_on", setting_types.several(EVENTS), ("notify", "on"), ",".join(EVENTS)),
    Setting("notify_link", setting_types.link, (), None),
)
#: Names of the settings that have a flag or an environment variable.
NAMES = tuple(setting.name for setting in _SETTINGS)


#: Variables without a setting in the file, and prefixes of those that the action and the pipelines read.
_VARIABLES = (
    *("ENVIRONMENT", "ENV_ALLOW", "FAIL_FAST", "FILES", "HEARTBEAT", "LEDGER_KEY", "LOG_FORMAT", "PAGER"),
    *("WATCH_HEALTH", "WATCH_INTERVAL", "WATCH_JITTER", "WATCH_MAX_BACKOFF", "WATCH_METRICS", "WATCH_WITHIN"),
    *("QUIET", "SECRET_COMMANDS", "VERBOSE"),
)
_OTHERS = ("COMMIT", "FLEET", "GITHUB_", "GITLAB_", "IMAGE", "PATH", "PLAN_JOB", "SOURCE", "VAR_", "WAVE")


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """A warning for each environment variable RECONCILER_… that has no effect."""
    known = [f"RECONCILER_{name}" for name in (*_VARIABLES, *(each.name.upper() for each in _SETTINGS))]
    for name in sorted(environ):
        begins, _, rest = name.partition("RECONCILER_")
        if begins or not rest or name in known or rest.startswith(_OTHERS):
            continue
        near = nearest(rest, [each.removeprefix("RECONCILER_") for each in known]).replace("`", "`RECONCILER_", 1)
        yield f"environment variable {name} has no effect" + (f"; {near}" if near else "")


def load(
    root: Path,
    *,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    environment: str | None = None,
    version: str = "",
    kinds: Sequence[str] = (),
    sections: Sequence[str] = (),
    cwd: Path | None = None,
) -> Settings:
    """The settings of the project at ``root``; ``flags`` holds the given flags (None: not given).

    ``version`` is the version of reconciler, for ``requires:``; ``kinds`` may be pruned, ``sections`` may have
    defaults. Raises one ConfigurationError with every error in the file, the variables and the flags.
    """
    return _SettingsReading(root.absolute(), flags, environ, cwd).settings(environment, version, kinds, sections)


@cache
def _settings_schema(kinds: tuple[str, ...], sections: tuple[str, ...]) -> CompiledSchema:
    return CompiledSchema(settings_schema(kinds, sections))


class _SettingsReading:
    """State of resolving the settings: the sources in order of precedence, and the errors found."""

    def __init__(self, root: Path, flags: Mapping[str, Any], environ: Mapping[str, str], cwd: Path | None) -> None:
        self._root, self._flags, self._environ, self._cwd = root, flags, environ, cwd
        self._findings: list[Finding] = []
        self._problems: list[Problem] = []
        self._blocks: list[positions.MappingNode] = []
        self.sources: dict[str, str] = {}

    def settings(
        self, environment: str | None, version: str, kinds: Sequence[str], sections: Sequence[str]
    ) -> Settings:
        top, findings, problems = settings_file.read(
            self._root, _settings_schema(tuple(kinds), tuple(sections)), self._environ, self._cwd
        )
        self._findings += findings
        self._problems += problems
        self._findings += clashes(top, self._root)
        name = environment or self._environ.get("RECONCILER_ENVIRONMENT") or None
        if name:
            self.sources["environment"] = "-e" if environment else "RECONCILER_ENVIRONMENT"
        self._blocks = [*self._environment(top, name), top]
        self._requires(top, version)
        values = {setting.name: self._value(setting) for setting in _SETTINGS}
        roots = tuple(self._roots())
        self._contradiction(name, values["connection"])
        ledger = self._ledger(values["ledger"], name)
        key = self._variable("api_key", "MATON_API_KEY")
        digest_key = self._ledger_key()
        raise_if_any(self._findings, self._problems)
        gateway_url, control_url = self._addresses(values)
        prune, pruned = layered(self._blocks, "prune")
        variables, named = layered(self._blocks, "vars")
        defaults, filled = layered_defaults(self._blocks)
        self.sources |= {**pruned, **named, **filled}
        self._note_blocks(top)
        return Settings(
            root=self._root, format=1, requires=top.get("requires"), environment=name, api_key=key,
            digest_key=digest_key, gateway=values["gateway"], gateway_url=gateway_url, control_url=control_url,
            connection=values["connection"], ledger=ledger, dialect=values["dialect"], sources=self.sources,
            rate_limit=values["rate_limit"], parallel=values["parallel"], fresh=values["fresh"], wait=values["wait"],
            limits=Limits(**{limit.name: values[limit.name] for limit in fields(Limits)}),
            prune={kind: Prune(word) for kind, word in prune.items()}, defaults=defaults,
            vars={name: str(value) for name, value in variables.items()},
            vars_defined_in=EMPTY if name else _variables_of_environments(top),
            files=layered_files(self._blocks), files_roots=roots, redact=values["redact"], notify=_notify(values),
            protect=bool(self._blocks[0].get("protect", False)), max_calls=values["max_calls"],
            max_minutes=values["max_minutes"], ci=self._environ.get("CI", "").lower() in ("true", "1"),
        )  # fmt: skip

    def _environment(self, top: positions.MappingNode, name: str | None) -> list[positions.MappingNode]:
        """The block of the chosen environment."""
        known = top.get("environments") or EMPTY
        if name is None or self._findings or self._problems:
            return []
        if name not in known:
            near, known_ones = nearest(name, known), suggest("", known, noun="environments")
            hint = f"{near} {known_ones}" if near else known_ones
            self._problems.append(Problem("-e", f"unknown environment `{name}`", hint))
            return []
        return [known[name]]

    def _contradiction(self, environment: str | None, given: str | None) -> None:
        """Refuse a flag or variable that would apply the files of an environment to another account."""
        source, block = self.sources["connection"], self._blocks[0]
        own = block.get("connection") if len(self._blocks) > 1 else None
        if own is not None and source in ("--connection", "RECONCILER_CONNECTION") and str(own) != given:
            where = block.value_origin("connection")
            what = f"is connection {given}, but environment `{environment}` uses {own} ({where})"
            self._problems.append(Problem(source, what, "remove one of them"))

    def _note_blocks(self, top: positions.MappingNode) -> None:
        """Record the sources of the settings that are a single key of a block."""
        for key, block in (("requires", top), *((key, block) for block in self._blocks[::-1] for key in _WHOLE)):
            if key in block:
                self.sources[key] = str(block.origin(key))

    def _requires(self, top: positions.MappingNode, version: str) -> None:
        if "requires" not in top or not version:
            return
        wanted = str(top["requires"])
        try:
            if not setting_types.admits(wanted, version):
                what = f"this project requires reconciler {wanted}, but this is {version}"
                self._say(top, "requires", what, "install a matching version")
        except ValueError as error:
            self._say(top, "requires", f"invalid version range {wanted[:40]}", str(error))

    def _value(self, setting: Setting) -> Any:
        """The value from the first source that has the setting."""
        flag, variable = f"--{setting.name.replace('_', '-')}", f"RECONCILER_{setting.name.upper()}"
        for source, value in ((flag, self._flags.get(setting.name)), (variable, self._environ.get(variable) or None)):
            if value is not None:
                return self._read(setting, value, source)
        for block in self._blocks if setting.path else ():
            holder = block if len(setting.path) == 1 else block.get(setting.path[0], EMPTY)
            if holder is None or holder.get(setting.path[-1], setting) is None:
                break  # null in an environment removes the top-level value
            if setting.path[-1] in holder:
                return self._from_file(setting, holder)
        self.sources[setting.name] = "default"
        return setting.default

    def _read(self, setting: Setting, value: Any, source: str) -> Any:
        self.sources[setting.name] = source
        try:
            return setting.read(value)
        except ValueError as error:
            self._problems.append(Problem(source, "invalid value", str(error)))
            return setting.default

    def _from_file(self, setting: Setting, holder: positions.MappingNode) -> Any:
        key = setting.path[-1]
        self.sources[setting.name] = str(holder.origin(key))
        try:
            value = setting.read(holder[key])
        except ValueError as error:
            self._say(holder, key, "invalid value", str(error))
            return setting.default
        if setting.name == "ledger" and (fault := self._unsafe(value)):
            self._say(holder, key, *fault)
        return value

    def _unsafe(self, url: str) -> tuple[str, str] | None:
        """The error for a ledger that a file may not set: a server, or a file outside of the project."""
        if url == "none":
            return None
        path = setting_types.sqlite_path(url, self._root)
        if path is None:
            return "only an SQLite ledger can be set in this file", "set environment variable RECONCILER_LEDGER"
        if "?" in url or not files.is_inside(path, [self._root], private=files.UNMANAGED):
            return "the ledger is outside of the project", "set environment variable RECONCILER_LEDGER"
        if path.suffix.lower() in files.SUFFIXES:
            return "the ledger would be read as a configuration file", "use another extension, such as .db"
        return None

    def _ledger(self, url: str | None, environment: str | None) -> str:
        """The URL with an absolute path for SQLite; by default one file for each environment."""
        chosen = url or default_ledger(environment)
        path = setting_types.sqlite_path(chosen, self._root)
        sound = not self._findings and not self._problems
        if sound and not url and path and not files.is_inside(path, [self._root], private=files.UNMANAGED):
            what = f"the default ledger {path} is outside of the project through a link"
            self._problems.append(Problem("ledger", what, "remove the link, or set RECONCILER_LEDGER"))
        return f"sqlite:///{path}" if path else chosen

    def _addresses(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """URLs of the gateway and the connections API: the given ones, else those of the preset.

        The connections API follows a given gateway.
        """
        gateway, control = PRESETS[values["gateway"]]
        if values["gateway_url"]:
            control = values["gateway_url"]
        return values["gateway_url"] or gateway, values["control_url"] or control

    def _variable(self, setting: str, name: str) -> str | None:
        value = self._environ.get(name, "").strip()
        if value:
            self.sources[setting] = name
        if value and not (value.isascii() and value.isprintable()):
            self._problems.append(Problem(name, "contains characters that are not allowed in a key", "set it again"))
        return value or None

    def _ledger_key(self) -> str | None:
        name = "RECONCILER_LEDGER_KEY"
        key = self._variable("digest_key", name)
        if key and len(key) < SHORTEST_KEY:
            what = f"is too short: use at least {SHORTEST_KEY} characters"
            self._problems.append(Problem(name, what, "generate one with `openssl rand -hex 32`"))
        return key

    def _roots(self) -> Iterator[Path]:
        for name in filter(None, self._environ.get("RECONCILER_FILES", "").split(os.pathsep)):
            if not (self._root / name).is_dir():
                self._problems.append(Problem("RECONCILER_FILES", f"{name} is not a folder", "use existing folders"))
            self.sources["files_roots"] = "RECONCILER_FILES"
            yield self._root / name

    def _say(self, holder: positions.MappingNode, key: str, what: str, hint: str) -> None:
        self._findings.append(Finding(holder.value_origin(key), what, hint))


def _notify(values: Mapping[str, Any]) -> Notify:
    events = frozenset(values["notify_on"].split(","))
    return Notify(values["notify_url"], values["notify_format"], events, values["notify_link"])


def _variables_of_environments(top: MappingNode) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for environment, block in (top.get("environments") or EMPTY).items():
        for name in (block or EMPTY).get("vars") or EMPTY:
            found.setdefault(name, []).append(environment)
    return found


def layered(blocks: Sequence[MappingNode], key: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The mapping of a key, merged entry by entry; and the position of each entry by ``key.name``."""
    found: dict[str, tuple[Any, str]] = {}
    for block in reversed(blocks):
        if block.get(key, EMPTY) is None:
            found.clear()
        for name, value in (block.get(key) or EMPTY).items():
            found[name] = value, str(block[key].origin(name))
    kept = {name: both for name, both in found.items() if both[0] is not None}
    return {name: value for name, (value, _) in kept.items()}, {f"{key}.{n}": place for n, (_, place) in kept.items()}


def layered_defaults(blocks: Sequence[MappingNode]) -> tuple[dict[str, MappingNode], dict[str, str]]:
    """The defaults of each section, environment before top level, and the position of each key.

    Inside a section null is a value: it clears a field.
    """
    found: dict[str, MappingNode | None] = {}
    for block in blocks:
        for section, values in (block.get("defaults") or EMPTY).items():
            if section not in found:
                found[section] = copied(values)
            elif (mine := found[section]) is not None:
                for key in values:
                    if key not in mine:
                        mine.borrow(key, copied(values[key]), values)
        if block.get("defaults", EMPTY) is None:
            break
    kept = {section: values for section, values in found.items() if values is not None}
    places = {f"defaults.{s}.{key}": str(values.origin(key)) for s, values in kept.items() for key in values}
    return kept, places


def layered_files(blocks: Sequence[MappingNode]) -> tuple[str, ...] | None:
    """The patterns of the top level, replaced by those of the environment, or extended and reduced."""
    if blocks[0].get("files", EMPTY) is None:
        return None
    top, chosen = blocks[-1].get("files"), blocks[0].get("files")
    if not isinstance(chosen, MappingNode):
        patterns = top if chosen is None else chosen
        return tuple(patterns) if patterns else None
    added, dropped = chosen.get("add") or [], chosen.get("drop") or []
    return (*(top or ["."]), *added, *(f"!{pattern}" for pattern in dropped))


#: Name of an environment and a value of it → a comparable form of the value; None where two may share it.
Known = Callable[[str, object], str | None]


def default_ledger(environment: str | None) -> str:
    """The URL of the default ledger: one file per environment, or one for a project without environments."""
    return f"sqlite:///.reconciler/{environment or 'ledger'}.db"


def clashes(top: MappingNode, root: Path) -> Iterator[Finding]:
    """Environments that share the connection or the ledger of an earlier one, or the connection of the top level.

    Only the file counts: flags and variables apply to one run.
    """
    yield from _shared(top, "connection", lambda name, value: str(value) if value is not None else None)
    yield from _shared(top, "ledger", lambda name, value: _place(str(value or default_ledger(name)), root))


def _place(url: str, root: Path) -> str | None:
    if url == "none":
        return None
    path = setting_types.sqlite_path(url, root)
    return os.path.realpath(path) if path else url


def _shared(top: MappingNode, key: str, known: Known) -> Iterator[Finding]:
    environments: MappingNode = top.get("environments") or MappingNode.at(top.file)
    first: dict[str, tuple[str, Origin]] = {}
    alone = top.get("connection") if key == "connection" else None
    for name, block in environments.items():
        block = MappingNode.at(top.file) if block is None else block
        holder = block if key in block else top
        value = known(name, holder.get(key))
        if value is None:
            continue
        here = holder.value_origin(key) if holder is block else environments.origin(name)
        if value == alone:
            what = f"`{name}` would use the connection of the top level, set at {top.value_origin(key)}"
            yield Finding(here, what, "set another connection, or move that one into this environment")
            continue
        other, there = first.setdefault(value, (name, here))
        if other != name:
            what = f"`{name}` would use the {key} of `{other}`, set at {there}"
            yield Finding(here, what, f"set a different {key} for each environment")
