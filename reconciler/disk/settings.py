"""Flags, environment variables and ``reconciler.yaml`` → the settings of a run, and where each of them came from.

flag  →  RECONCILER_<NAME>  →  environments.<NAME>  →  top level of reconciler.yaml  →  default
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.disk import environments, files, layers, nodes, readers, settings_file
from reconciler.disk.findings import Finding, nearest, raise_if_any, suggest
from reconciler.disk.settings_schema import DIALECTS, EVENTS, NOTICES, PRESETS, WORKERS, settings_schema
from reconciler.errors import Problem
from reconciler.model.policy import Limits, Prune
from reconciler.model.resource import EMPTY


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told of events, and how: ``url`` is a secret, ``form`` json or slack, ``link`` is put into each."""

    url: str | None = field(repr=False)
    form: str
    events: frozenset[str]
    link: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a run is set to. ``sources`` says by name where a value came from: a flag, a variable, a
    position in reconciler.yaml, or ``default``. Keys, and a ledger's URL, do not show in ``repr``.

    ``pace`` is requests a second (0: no limit of our own), ``fresh`` and ``wait`` seconds, ``max_minutes`` minutes;
    ``ledger`` an SQLAlchemy URL (SQLite by absolute path) or ``none``; ``files`` patterns as ``disk.files.discover``
    takes them, None for all.
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
    pace: float
    parallel: int
    fresh: float
    wait: float
    limits: Limits
    prune: Mapping[str, Prune]
    defaults: Mapping[str, nodes.Mapping]
    vars: Mapping[str, str]
    files: tuple[str, ...] | None
    files_roots: tuple[Path, ...]
    protect: bool
    redact: bool
    ci: bool
    max_calls: int | None
    max_minutes: float | None
    notify: Notify
    sources: Mapping[str, str]


#: Characters that RECONCILER_LEDGER_KEY has at least.
SHORTEST_KEY = 16
#: Settings that are taken as their block has them.
_WHOLE = ("files", "protect")


class Setting(NamedTuple):
    """One setting with a flag and a variable: how its text is read, where the file has it, and its default."""

    name: str
    read: readers.Reader
    path: tuple[str, ...]
    default: Any


_SETTINGS = (
    Setting("gateway", readers.choice(PRESETS), ("gateway",), "maton"),
    Setting("gateway_url", readers.address, (), None),
    Setting("control_url", readers.address, (), None),
    Setting("connection", readers.text, ("connection",), None),
    Setting("ledger", readers.ledger, ("ledger",), None),
    Setting("dialect", readers.choice(DIALECTS), ("dialect",), "vendor"),
    Setting("pace", readers.number, ("limits", "pace"), 10.0),
    Setting("parallel", readers.whole(1, WORKERS), ("limits", "parallel"), 8),
    Setting("fresh", readers.number, ("limits", "fresh"), 30.0),
    Setting("wait", readers.number, ("limits", "wait"), 7.5),
    *(Setting(f.name, readers.whole(0, f.metadata["most"]), ("limits", f.name), f.default) for f in fields(Limits)),
    Setting("redact", readers.truth, ("redact",), False),
    Setting("max_calls", readers.whole(0), (), None),
    Setting("max_minutes", readers.number, (), None),
    Setting("notify_url", readers.hook, (), None),
    Setting("notify_format", readers.choice(NOTICES), ("notify", "format"), "json"),
    Setting("notify_on", readers.several(EVENTS), ("notify", "on"), ",".join(EVENTS)),
    Setting("notify_link", readers.link, (), None),
)
#: Names of the settings that have a flag or an environment variable.
NAMES = tuple(setting.name for setting in _SETTINGS)


#: Variables that are no setting of the file, and beginnings of those that the action and the pipelines read.
_VARIABLES = ("ENVIRONMENT", "ENV_ALLOW", "FILES", "HEARTBEAT", "LEDGER_KEY", "LOG_FORMAT")
_OTHERS = ("COMMIT", "GITHUB_", "GITLAB_", "IMAGE", "PATH", "SOURCE", "VAR_")


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence about each variable RECONCILER_… that nothing reads."""
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
    """The settings of the project at ``root``; ``flags`` holds what was given (None: not given).

    ``version`` is that of this tool, for ``requires:``; ``kinds`` may be pruned, ``sections`` may have defaults.
    Raises one ConfigurationError with everything that is wrong in the file, the variables and the flags.
    """
    return _Reading(root.absolute(), flags, environ, cwd).settings(environment, version, kinds, sections)


class _Reading:
    """The state of one reading: sources from the strongest to the weakest, and what was found wrong."""

    def __init__(self, root: Path, flags: Mapping[str, Any], environ: Mapping[str, str], cwd: Path | None) -> None:
        self._root, self._flags, self._environ, self._cwd = root, flags, environ, cwd
        self._findings: list[Finding] = []
        self._problems: list[Problem] = []
        self._blocks: list[nodes.Mapping] = []
        self.sources: dict[str, str] = {}

    def settings(
        self, environment: str | None, version: str, kinds: Sequence[str], sections: Sequence[str]
    ) -> Settings:
        top, findings, problems = settings_file.read(
            self._root, settings_schema(kinds, sections), self._environ, self._cwd
        )
        self._findings += findings
        self._problems += problems
        self._findings += environments.clashes(top, self._root)
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
        prune, pruned = layers.merged(self._blocks, "prune")
        variables, named = layers.merged(self._blocks, "vars")
        defaults, filled = layers.defaults(self._blocks)
        self.sources |= {**pruned, **named, **filled}
        self._note_blocks(top)
        return Settings(
            root=self._root, format=1, requires=top.get("requires"), environment=name, api_key=key,
            digest_key=digest_key, gateway=values["gateway"], gateway_url=gateway_url, control_url=control_url,
            connection=values["connection"], ledger=ledger, dialect=values["dialect"], pace=values["pace"],
            parallel=values["parallel"], fresh=values["fresh"], wait=values["wait"],
            limits=Limits(**{limit.name: values[limit.name] for limit in fields(Limits)}),
            prune={kind: Prune(word) for kind, word in prune.items()}, defaults=defaults,
            vars={name: str(value) for name, value in variables.items()}, files=layers.files(self._blocks),
            files_roots=roots, protect=bool(self._blocks[0].get("protect", False)), redact=values["redact"],
            ci=self._environ.get("CI", "").lower() in ("true", "1"), max_calls=values["max_calls"],
            max_minutes=values["max_minutes"], notify=_notify(values), sources=self.sources,
        )  # fmt: skip

    def _environment(self, top: nodes.Mapping, name: str | None) -> list[nodes.Mapping]:
        """The block of the chosen environment."""
        known = top.get("environments") or EMPTY
        if name is None or self._findings or self._problems:
            return []
        if name not in known:
            near, known_ones = nearest(name, known), suggest("", known, noun="environments")
            hint = f"{near} {known_ones}" if near else known_ones
            self._problems.append(Problem("-e", f"there is no environment `{name}`", hint))
            return []
        return [known[name]]

    def _contradiction(self, environment: str | None, given: str | None) -> None:
        """A flag or variable may not lead the files of an environment to the account of another one."""
        source, block = self.sources["connection"], self._blocks[0]
        own = block.get("connection") if len(self._blocks) > 1 else None
        if own is not None and source in ("--connection", "RECONCILER_CONNECTION") and str(own) != given:
            where = block.value_origin("connection")
            what = f"names connection {given}, and environment `{environment}` uses {own} ({where})"
            self._problems.append(Problem(source, what, "leave one of them out"))

    def _note_blocks(self, top: nodes.Mapping) -> None:
        """Where the settings stand that are no more than a key of a block."""
        for key, block in (("requires", top), *((key, block) for block in self._blocks[::-1] for key in _WHOLE)):
            if key in block:
                self.sources[key] = str(block.origin(key))

    def _requires(self, top: nodes.Mapping, version: str) -> None:
        if "requires" not in top or not version:
            return
        wanted = str(top["requires"])
        try:
            if not readers.admits(wanted, version):
                what = f"this project wants reconciler {wanted}, and this is {version}"
                self._say(top, "requires", what, "install a version that fits")
        except ValueError as error:
            self._say(top, "requires", f"{wanted[:40]} is not understood", str(error))

    def _value(self, setting: Setting) -> Any:
        """The strongest source that has the setting decides; what it says has to be readable."""
        flag, variable = f"--{setting.name.replace('_', '-')}", f"RECONCILER_{setting.name.upper()}"
        for source, value in ((flag, self._flags.get(setting.name)), (variable, self._environ.get(variable) or None)):
            if value is not None:
                return self._read(setting, value, source)
        for block in self._blocks if setting.path else ():
            holder = block if len(setting.path) == 1 else block.get(setting.path[0], EMPTY)
            if holder is None or holder.get(setting.path[-1], setting) is None:
                break  # null in an environment: what the top level says is dropped
            if setting.path[-1] in holder:
                return self._from_file(setting, holder)
        self.sources[setting.name] = "default"
        return setting.default

    def _read(self, setting: Setting, value: Any, source: str) -> Any:
        self.sources[setting.name] = source
        try:
            return setting.read(value)
        except ValueError as error:
            self._problems.append(Problem(source, "this value cannot be used", str(error)))
            return setting.default

    def _from_file(self, setting: Setting, holder: nodes.Mapping) -> Any:
        key = setting.path[-1]
        self.sources[setting.name] = str(holder.origin(key))
        try:
            value = setting.read(holder[key])
        except ValueError as error:
            self._say(holder, key, "this value cannot be used", str(error))
            return setting.default
        if setting.name == "ledger" and (fault := self._unsafe(value)):
            self._say(holder, key, *fault)
        return value

    def _unsafe(self, url: str) -> tuple[str, str] | None:
        """A ledger that a file may not name: any server, and a file outside of the project or among private ones."""
        if url == "none":
            return None
        path = readers.sqlite_path(url, self._root)
        if path is None:
            return "a file can only name an SQLite ledger", "set the environment variable RECONCILER_LEDGER"
        if "?" in url or not files.is_inside(path, [self._root], private=files.FOREIGN):
            return "the ledger leads out of the project", "set the environment variable RECONCILER_LEDGER"
        if path.suffix.lower() in files.SUFFIXES:
            return "the ledger would be read as a file of the project", "give it another ending, such as .db"
        return None

    def _ledger(self, url: str | None, environment: str | None) -> str:
        """The URL with an absolute path for SQLite; by default one file for each environment."""
        chosen = url or environments.default_ledger(environment)
        path = readers.sqlite_path(chosen, self._root)
        sound = not self._findings and not self._problems
        if sound and not url and path and not files.is_inside(path, [self._root], private=files.FOREIGN):
            what = f"the default ledger {path} leads out of the project through a link"
            self._problems.append(Problem("ledger", what, "remove the link, or set RECONCILER_LEDGER"))
        return f"sqlite:///{path}" if path else chosen

    def _addresses(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Gateway and control address: what is given, else the preset's; control follows a given gateway."""
        gateway, control = PRESETS[values["gateway"]]
        if values["gateway_url"]:
            control = values["gateway_url"]
        return values["gateway_url"] or gateway, values["control_url"] or control

    def _variable(self, setting: str, name: str) -> str | None:
        value = self._environ.get(name, "").strip()
        if value:
            self.sources[setting] = name
        if value and not (value.isascii() and value.isprintable()):
            self._problems.append(Problem(name, "holds characters that no key has", "set it again"))
        return value or None

    def _ledger_key(self) -> str | None:
        name = "RECONCILER_LEDGER_KEY"
        key = self._variable("digest_key", name)
        if key and len(key) < SHORTEST_KEY:
            what = f"is too short: it needs at least {SHORTEST_KEY} characters"
            self._problems.append(Problem(name, what, "make one with `openssl rand -hex 32`"))
        return key

    def _roots(self) -> Iterator[Path]:
        for name in filter(None, self._environ.get("RECONCILER_FILES", "").split(os.pathsep)):
            if not (self._root / name).is_dir():
                self._problems.append(Problem("RECONCILER_FILES", f"{name} is no folder", "name folders that exist"))
            self.sources["files_roots"] = "RECONCILER_FILES"
            yield self._root / name

    def _say(self, holder: nodes.Mapping, key: str, what: str, hint: str) -> None:
        self._findings.append(Finding(holder.value_origin(key), what, hint))


def _notify(values: Mapping[str, Any]) -> Notify:
    events = frozenset(values["notify_on"].split(","))
    return Notify(values["notify_url"], values["notify_format"], events, values["notify_link"])
