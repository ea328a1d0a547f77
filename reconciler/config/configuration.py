"""Loads the YAML files of a project: one typed and valid Declared for each item, with its secrets resolved.

Files are read in parts of a few items. As soon as something is refused, all files are read whole, to report every
problem of every file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as Table
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from reconciler import kinds
from reconciler.config import csv_source, files, yaml_loader
from reconciler.config.compile import compile_state
from reconciler.config.positions import MappingNode, Node, copied
from reconciler.config.positions import SequenceNode as Items
from reconciler.config.problems import Finding, raise_if_any
from reconciler.config.scalars import TypedItem, UnresolvedSecret, resolve
from reconciler.config.secrets import NoSecret, resolve_secrets
from reconciler.config.validation import CompiledSchema
from reconciler.config.variables import DefinedIn
from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds import SECTIONS
from reconciler.kinds.csv_options import CsvForm
from reconciler.model.csv_rows import CsvRows
from reconciler.model.resource import EMPTY, Declared
from reconciler.model.values import Origin, Secret


class LoadOptions(NamedTuple):
    """The rules for every file: schema, variables, environment, defaults of the sections.

    No message shows a value of the sections in ``hidden_sections``. ``defined_in`` has the environments that define
    each variable.
    """

    schema: CompiledSchema
    variables: Table[str, str]
    environ: Table[str, str]
    defaults: Table[str, MappingNode]
    hidden_sections: Iterable[str] = ()
    defined_in: DefinedIn = EMPTY


@cache
def files_schema() -> CompiledSchema:
    """The schema of a project's files."""
    return CompiledSchema(kinds.schema())


def _ignore(_finding: Finding) -> None:
    """Ignore a warning."""


def load(
    paths: Iterable[Path],
    *,
    project: Path,
    schema: CompiledSchema,
    environ: Table[str, str],
    files: Sequence[str] | None = None,
    variables: Table[str, str] = EMPTY,
    defaults: Table[str, MappingNode] = EMPTY,
    roots: Sequence[Path] = (),
    cwd: Path | None = None,
    hidden_sections: Iterable[str] = (),
    defined_in: DefinedIn = EMPTY,
    forms: Table[str, CsvForm] = EMPTY,
    warn: Callable[[Finding], None] = _ignore,
    skip_commands: bool = False,
) -> Iterator[Declared]:
    """All items declared below ``paths``, one by one in the order of files and lines; none if nothing is declared.

    ``files`` and ``roots`` (folders for secrets and CSV files beside ``project``), ``variables`` (``defined_in``: the
    environments that define one) and ``defaults`` come from the settings; ``forms`` are the sections that accept CSV
    files; positions name files relative to ``cwd`` where that is shorter. ``warn`` is called for valid input that is
    probably a mistake. With ``skip_commands`` secrets from commands that are not allowed are left empty. Raises one
    ConfigurationError with every problem of every file, possibly after the first items.
    """
    rules = LoadOptions(schema, variables, environ, defaults, hidden_sections, defined_in)
    place = csv_source.CsvRoots((project, *roots), cwd, bool(rules.hidden_sections))
    reader = _FileReader(rules, forms, place, skip_commands, {})
    problems: list[Problem] = []
    return reader.items(_found(paths, files, project, cwd, problems), problems, warn)


class _FileReader(NamedTuple):
    """Reads files by the rules of one project; ``secrets`` are those that were read, by source."""

    rules: LoadOptions
    forms: Table[str, CsvForm]
    place: csv_source.CsvRoots
    skip_commands: bool
    secrets: dict[str, Secret | NoSecret]

    def items(
        self, paths: list[Path], problems: list[Problem], warn: Callable[[Finding], None]
    ) -> Iterator[Declared]:
        """The items of all files, or one ConfigurationError with ``problems`` and every problem of the files."""
        warnings: list[Finding] = []
        given = 0
        try:
            if problems:
                raise yaml_loader.Unstreamable
            for item in self.stream(paths, warnings.append):
                given += 1
                yield item
        except (yaml_loader.Unstreamable, ConfigurationError):
            yield from islice(self.whole(paths, problems, warn), given, None)
        else:
            for warning in warnings:
                warn(warning)

    def stream(self, paths: Iterable[Path], warn: Callable[[Finding], None]) -> Iterator[Declared]:
        """The items of valid files; raises Unstreamable or ConfigurationError for files that :meth:`whole` reads."""
        for path in paths:
            name = files.shown_name(path, self.place.cwd)
            for part in yaml_loader.parts(files.read(path, name), name, warn):
                findings, unresolved = check(part, name, self.rules)
                findings += self._resolve_secrets(unresolved)
                rows = self._rows([part], findings, warn)
                if findings:
                    raise yaml_loader.Unstreamable
                yield from _declared(part, rows)

    def whole(
        self, paths: Iterable[Path], problems: list[Problem], warn: Callable[[Finding], None]
    ) -> Iterator[Declared]:
        """The items of all files, each read completely first; raises ConfigurationError as :meth:`items`."""
        with yaml_loader.collector_paused():
            documents = [self._document(path, problems, warn) for path in paths]
            read = [document for document in documents if document]
            findings = [finding for document in read for finding in document.findings]
            unresolved = [place for document in read for place in document.unresolved]
            findings += self._resolve_secrets(unresolved)
            rows = self._rows([document.node for document in read], findings, warn)
        if findings or problems:
            problems += _across_items(read, rows, self.rules.schema)
        raise_if_any(findings, problems)
        return (item for document in read for item in _declared(document.node, rows))

    def _resolve_secrets(self, unresolved: list[UnresolvedSecret]) -> list[Finding]:
        environ, roots = self.rules.environ, self.place.roots
        return resolve_secrets(unresolved, environ, roots, skip_commands=self.skip_commands, known=self.secrets)

    def _document(self, path: Path, problems: list[Problem], warn: Callable[[Finding], None]) -> _Document | None:
        name = files.shown_name(path, self.place.cwd)
        try:
            node = yaml_loader.parse(files.read(path, name), name, warn)
        except ConfigurationError as error:
            problems.extend(error.problems)
            return None
        findings, unresolved = check(node, name, self.rules)
        return _Document(node if isinstance(node, MappingNode) else MappingNode.at(name), findings, unresolved)

    def _rows(
        self, nodes: Iterable[MappingNode], findings: list[Finding], warn: Callable[[Finding], None]
    ) -> dict[int, CsvRows]:
        """The rows of every block that names a CSV source, by ``id()`` of the block."""
        found: dict[int, CsvRows] = {}
        for node in nodes:
            for section, form in self.forms.items():
                items = node.get(section)
                for item in items if isinstance(items, Items) else ():
                    if isinstance(item, MappingNode) and "csv" in item:
                        rows, wrong = csv_source.read(item, form, self.rules.schema.source, self.place, warn)
                        findings += wrong
                        if rows:
                            found[id(item)] = rows
                        elif not findings:  # never go on as if the block named nobody
                            findings.append(Finding(item.value_origin("csv"), "cannot read this CSV file"))
        return found


def _across_items(documents: Iterable[_Document], rows: Table[int, CsvRows], schema: CompiledSchema) -> list[Problem]:
    """Problems that concern several items, such as duplicates, in files that also have errors of other kinds.

    An invalid item counts with its name only.
    """
    try:
        compile_state(
            usable
            for document in documents
            for item in _declared(document.node, rows)
            if (usable := _usable(item, schema)) is not None
        )
    except ConfigurationError as error:
        return list(error.problems)
    return []


def _usable(item: Declared, schema: CompiledSchema) -> Declared | None:
    """The item if it is valid, else its name if it has one, else None."""
    kind = SECTIONS.get(item.section)
    if kind is None or item.raw is None:
        return None
    is_block = isinstance(item.raw, MappingNode)
    resolved = is_block and any(isinstance(value, Secret) for value in item.raw.values())  # is not JSON any more
    if not resolved and schema.accepts(item.section, item.raw):
        return None if is_block and "csv" in item.raw and item.rows is None else item
    if kind.parents or len(kind.key) != 1 or not is_block:
        return None
    names = {key: item.raw[key] for key in (*kind.key, "handle") if isinstance(item.raw.get(key), str)}
    return item._replace(raw=names, rows=None) if names.get(kind.key[0], "").strip() else None


class _Document(NamedTuple):
    node: MappingNode
    findings: list[Finding]
    unresolved: list[UnresolvedSecret]


def check(node: Node, name: str, rules: LoadOptions) -> tuple[list[Finding], list[UnresolvedSecret]]:
    """Type and validate one document in place. Returns one finding per position, and the places of its secrets."""
    if not isinstance(node, MappingNode):
        what = f"expected a mapping, got {'a list' if isinstance(node, Items) else 'text'}"
        return [Finding(Origin(name, 1, 1), what, "start with a section, e.g. `tags:`")], []
    _fill(node, rules.defaults)
    typed: TypedItem = resolve(node, rules.schema.shape, rules.variables, rules.environ, rules.defined_in)
    said = {finding.origin for finding in typed.findings}
    hidden = frozenset(id(place.node) for place in typed.unresolved) | _hidden_nodes(node, rules.hidden_sections)
    invalid = [finding for finding in rules.schema.findings(node, hidden) if finding.origin not in said]
    return [*typed.findings, *invalid], typed.unresolved


def _hidden_nodes(node: MappingNode, sections: Iterable[str]) -> frozenset[int]:
    lists = [items for section in sections if isinstance(items := node.get(section), Items)]
    return frozenset(id(each) for items in lists for each in items)


def _found(
    paths: Iterable[Path], chosen: Sequence[str] | None, project: Path, cwd: Path | None, problems: list[Problem]
) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        try:
            found.update(dict.fromkeys(files.discover(path, chosen, project=project, cwd=cwd)))
        except ConfigurationError as error:
            problems.extend(error.problems)
    return list(found)


def _fill(node: MappingNode, defaults: Table[str, MappingNode]) -> None:
    """Add the defaults of a section to each of its mappings that lacks the key."""
    for section, values in defaults.items():
        items = node.get(section)
        for item in items if isinstance(items, Items) else ():
            if isinstance(item, MappingNode):
                for key, value in values.items():
                    if key not in item:
                        item.borrow(key, copied(value), values)


def _declared(node: MappingNode, rows: Table[int, CsvRows]) -> Iterator[Declared]:
    for section, items in node.items():
        if isinstance(items, Items) and not section.startswith("x-"):
            for index, item in enumerate(items):
                yield Declared(section, item, items.origin(index), rows.get(id(item)) if rows else None)
            if not items:
                yield Declared(section, None, node.origin(section))
