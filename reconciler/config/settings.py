"""Flags, environment variables and ``reconciler.yaml`` → the settings of a run, and where each of them came from.

flag  →  RECONCILER_<NAME>  →  environments.<NAME>  →  top level of reconciler.yaml  →  default

The block of an environment over the top level of ``reconciler.yaml`` → one value: added, overridden, or dropped.

Blocks come strongest first. Null in an environment drops what the top level has: one entry, or all under a key.

The environments of ``reconciler.yaml`` → what is wrong between them: no two may use one account or one ledger.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.config import files, positions, setting_types, settings_file
from reconciler.config.positions import MappingNode, copied
from reconciler.config.problems import Complaint, nearest, raise_if_any, suggest
from reconciler.config.settings_schema import DIALECTS, EVENTS, NOTICES, PRESETS, WORKERS, settings_schema
from reconciler.errors import Problem
from reconciler.model.policy import Limits, Prune
from reconciler.model.resource import EMPTY
from reconciler.model.values import Origin


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

    ``rate_limit`` is requests per second (0: unlimited), ``fresh`` and ``wait`` seconds, ``max_minutes`` minutes;
    ``ledger`` an SQLAlchemy URL (SQLite by absolute path) or ``none``; ``files`` patterns as ``files.discover``
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
    rate_limit: float
    parallel: int
    fresh: float
    wait: float
    limits: Limits
    prune: Mapping[str, Prune]
    defaults: Mapping[str, positions.MappingNode]
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
    Setting("rate_limit", setting_types.number, ("limits", "rate_limit"), 10.0),
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
    return _SettingsReading(root.absolute(), flags, environ, cwd).settings(environment, version, kinds, sections)


class _SettingsReading:
    """The state of one reading: sources from the strongest to the weakest, and what was found wrong."""

    def __init__(self, root: Path, flags: Mapping[str, Any], environ: Mapping[str, str], cwd: Path | None) -> None:
        self._root, self._flags, self._environ, self._cwd = root, flags, environ, cwd
        self._findings: list[Complaint] = []
        self._problems: list[Problem] = []
        self._blocks: list[positions.MappingNode] = []
        self.sources: dict[str, str] = {}

    def settings(
        self, environment: str | None, version: str, kinds: Sequence[str], sections: Sequence[str]
    ) -> Settings:
        top, findings, problems = settings_file.read(
            self._root, settings_schema(kinds, sections), self._environ, self._cwd
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
            connection=values["connection"], ledger=ledger, dialect=values["dialect"],
            rate_limit=values["rate_limit"],
            parallel=values["parallel"], fresh=values["fresh"], wait=values["wait"],
            limits=Limits(**{limit.name: values[limit.name] for limit in fields(Limits)}),
            prune={kind: Prune(word) for kind, word in prune.items()}, defaults=defaults,
            vars={name: str(value) for name, value in variables.items()}, files=layered_files(self._blocks),
            files_roots=roots, protect=bool(self._blocks[0].get("protect", False)), redact=values["redact"],
            ci=self._environ.get("CI", "").lower() in ("true", "1"), max_calls=values["max_calls"],
            max_minutes=values["max_minutes"], notify=_notify(values), sources=self.sources,
        )  # fmt: skip

    def _environment(self, top: positions.MappingNode, name: str | None) -> list[positions.MappingNode]:
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

    def _note_blocks(self, top: positions.MappingNode) -> None:
        """Where the settings stand that are no more than a key of a block."""
        for key, block in (("requires", top), *((key, block) for block in self._blocks[::-1] for key in _WHOLE)):
            if key in block:
                self.sources[key] = str(block.origin(key))

    def _requires(self, top: positions.MappingNode, version: str) -> None:
        if "requires" not in top or not version:
            return
        wanted = str(top["requires"])
        try:
            if not setting_types.admits(wanted, version):
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

    def _from_file(self, setting: Setting, holder: positions.MappingNode) -> Any:
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
        path = setting_types.sqlite_path(url, self._root)
        if path is None:
            return "a file can only name an SQLite ledger", "set the environment variable RECONCILER_LEDGER"
        if "?" in url or not files.is_inside(path, [self._root], private=files.UNMANAGED):
            return "the ledger leads out of the project", "set the environment variable RECONCILER_LEDGER"
        if path.suffix.lower() in files.SUFFIXES:
            return "the ledger would be read as a file of the project", "give it another ending, such as .db"
        return None

    def _ledger(self, url: str | None, environment: str | None) -> str:
        """The URL with an absolute path for SQLite; by default one file for each environment."""
        chosen = url or default_ledger(environment)
        path = setting_types.sqlite_path(chosen, self._root)
        sound = not self._findings and not self._problems
        if sound and not url and path and not files.is_inside(path, [self._root], private=files.UNMANAGED):
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

    def _say(self, holder: positions.MappingNode, key: str, what: str, hint: str) -> None:
        self._findings.append(Complaint(holder.value_origin(key), what, hint))


def _notify(values: Mapping[str, Any]) -> Notify:
    events = frozenset(values["notify_on"].split(","))
    return Notify(values["notify_url"], values["notify_format"], events, values["notify_link"])


def layered(blocks: Sequence[MappingNode], key: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The mapping under a key, entry by entry; and by ``key.name`` where each entry stands."""
    found: dict[str, tuple[Any, str]] = {}
    for block in reversed(blocks):
        if block.get(key, EMPTY) is None:
            found.clear()
        for name, value in (block.get(key) or EMPTY).items():
            found[name] = value, str(block[key].origin(name))
    kept = {name: both for name, both in found.items() if both[0] is not None}
    return {name: value for name, (value, _) in kept.items()}, {f"{key}.{n}": place for n, (_, place) in kept.items()}


def layered_defaults(blocks: Sequence[MappingNode]) -> tuple[dict[str, MappingNode], dict[str, str]]:
    """By section, the keys of the environment with those of the top level that it does not name; and their places.

    Inside of a section null is a value like any other: it clears a field.
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
    """The patterns of the top level, replaced by those of the environment, or added to and dropped from."""
    if blocks[0].get("files", EMPTY) is None:
        return None
    top, chosen = blocks[-1].get("files"), blocks[0].get("files")
    if not isinstance(chosen, MappingNode):
        patterns = top if chosen is None else chosen
        return tuple(patterns) if patterns else None
    added, dropped = chosen.get("add") or [], chosen.get("drop") or []
    return (*(top or ["."]), *added, *(f"!{pattern}" for pattern in dropped))


#: What an environment has of one thing, in a form that can be compared; None where two can have it.
Known = Callable[[str, object], str | None]


def default_ledger(environment: str | None) -> str:
    """One file for each environment, and one for the project without any."""
    return f"sqlite:///.reconciler/{environment or 'ledger'}.db"


def clashes(top: MappingNode, root: Path) -> Iterator[Complaint]:
    """Every second environment with the connection or the ledger of an earlier one, by what the file says; and each
    with the connection of the top level, which has a ledger of its own.

    Flags and variables do not count: they hold for one run, and the file for all of them.
    """
    yield from _shared(top, "connection", lambda name, value: str(value) if value is not None else None)
    yield from _shared(top, "ledger", lambda name, value: _place(str(value or default_ledger(name)), root))


def _place(url: str, root: Path) -> str | None:
    if url == "none":
        return None
    path = setting_types.sqlite_path(url, root)
    return os.path.realpath(path) if path else url


def _shared(top: MappingNode, key: str, known: Known) -> Iterator[Complaint]:
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
            what = f"`{name}` would use the connection of the top level, at {top.value_origin(key)}"
            yield Complaint(here, what, "give it a connection of its own, or move that one below it")
            continue
        other, there = first.setdefault(value, (name, here))
        if other != name:
            what = f"`{name}` would use the {key} of `{other}`, at {there}"
            yield Complaint(here, what, f"give each environment a {key} of its own")
