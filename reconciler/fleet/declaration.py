"""Reads ``fleet.yaml`` and its CSV sources: the accounts of a fleet, or every problem of these files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.config import configuration, encodings, files, setting_types, yaml_loader
from reconciler.config.fleet_schema import DEFAULT_KEY, NAME, fleet_schema
from reconciler.config.positions import MappingNode
from reconciler.config.problems import Finding, nearest, raise_if_any, shown
from reconciler.config.validation import CompiledSchema
from reconciler.errors import ConfigurationError, Problem
from reconciler.model.resource import EMPTY
from reconciler.model.values import Origin

#: Columns of a CSV source; further ones are ``vars.NAME`` and ``labels.NAME``.
COLUMNS = ("name", "connection", "path", "environment", "ledger", "key")
#: Accounts that one fleet may have; a larger file is probably the wrong one.
MAX_ACCOUNTS = 100_000


@dataclass(frozen=True, slots=True)
class FleetAccount:
    """One declared account; ``where`` is its position in the file, ``key`` the variable of its API key."""

    name: str
    where: str = ""
    path: str | None = None
    environment: str | None = None
    vars: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    connection: str | None = None
    ledger: str | None = None
    key: str = DEFAULT_KEY


@dataclass(frozen=True, slots=True)
class Fleet:
    """A declared fleet: ``common`` files and folders are relative to ``folder``, that of the file."""

    file: Path
    common: tuple[str, ...]
    rate_limit: float
    parallel: int
    accounts: tuple[FleetAccount, ...]

    @property
    def folder(self) -> Path:
        """The folder that all paths are relative to."""
        return self.file.parent


def find_file(path: Path) -> Path:
    """The file of a fleet: the path itself, or ``fleet.yaml`` in a folder. Raises ConfigurationError."""
    if not path.is_dir():
        return path
    there = [path / name for name in files.FLEET_NAMES if (path / name).exists()]
    if len(there) == 1:
        return there[0]
    what = f"contains both {' and '.join(files.FLEET_NAMES)}" if there else "contains no fleet.yaml"
    raise ConfigurationError([Problem(str(path), what, "name the file of the fleet")])


def _rate_limit(node: MappingNode, findings: list[Finding]) -> float:
    try:
        return setting_types.rate(node.get("rate_limit", setting_types.GATEWAY_RATE))
    except ValueError as error:
        findings.append(Finding(node.value_origin("rate_limit"), str(error)))
        return 0.0


def read_fleet(path: Path, environ: Mapping[str, str], cwd: Path | None = None) -> Fleet:
    """The fleet that a file or folder declares. Raises ConfigurationError with every problem of its files."""
    file = find_file(path)
    name = files.shown_name(file, cwd)
    if not file.exists():
        raise ConfigurationError([Problem(name, "no such file", "name the file of the fleet")])
    node = yaml_loader.parse(files.read(file, name), name)
    rules = configuration.LoadOptions(CompiledSchema(fleet_schema()), EMPTY, environ, EMPTY)
    findings, _ = configuration.check(node, name, rules)
    raise_if_any(findings)
    assert isinstance(node, MappingNode)
    rate_limit = _rate_limit(node, findings)
    accounts = list(_accounts(node, file.parent, cwd, findings))
    findings += _duplicates(accounts)
    raise_if_any(findings)
    return Fleet(
        file.absolute(),
        tuple(str(each) for each in node.get("common", ())),
        rate_limit,
        int(node.get("parallel", 4)),
        tuple(account for account, _ in accounts),
    )


def _accounts(
    node: MappingNode, folder: Path, cwd: Path | None, findings: list[Finding]
) -> Iterator[tuple[FleetAccount, Origin]]:
    key = node["key"]["env"] if "key" in node else DEFAULT_KEY
    for index, item in enumerate(node["accounts"]):
        origin = node["accounts"].origin(index)
        if "csv" in item:
            yield from _rows(item, key, folder, cwd, findings)
        else:
            yield _account(item, origin, key), origin


def _account(item: MappingNode, origin: Origin, key: str) -> FleetAccount:
    plain: dict[str, Any] = {name: str(item[name]) for name in COLUMNS if name in item and name != "key"}
    return FleetAccount(
        **plain,
        where=str(origin),
        vars={name: str(value) for name, value in item.get("vars", EMPTY).items()},
        labels={name: str(value) for name, value in item.get("labels", EMPTY).items()},
        key=item["key"]["env"] if "key" in item else key,
    )


def _duplicates(accounts: list[tuple[FleetAccount, Origin]]) -> Iterator[Finding]:
    first: dict[str, Origin] = {}
    for account, origin in accounts:
        there = first.setdefault(account.name.casefold(), origin)
        if there != origin:
            yield Finding(origin, f"duplicate account {shown(account.name)}; first at {there}", "rename one of them")


# CSV sources


def _rows(
    item: MappingNode, key: str, folder: Path, cwd: Path | None, findings: list[Finding]
) -> Iterator[tuple[FleetAccount, Origin]]:
    """The accounts of one CSV source; keys of its block apply to each row."""
    long = item["csv"] if isinstance(item["csv"], MappingNode) else {"file": item["csv"]}
    delimiter = "\t" if long.get("delimiter") == "tab" else long.get("delimiter", ",")
    encoding = long.get("encoding", "utf-8")
    try:
        path = files.locate(str(long["file"]), [folder])
    except ConfigurationError as error:
        findings.append(Finding(item.value_origin("csv"), *error.problems[0][1:]))
        return
    name = files.shown_name(path, cwd)
    try:
        with path.open("rb") as raw, encodings.opened(raw, encoding) as stream:
            reader = csv.reader(stream, delimiter=delimiter, strict=True, skipinitialspace=True)
            yield from _read(reader, name, item, key, findings)
    except UnicodeError:
        findings.append(encodings.undecodable(path, encoding, name))
    except OSError as error:
        findings.append(Finding(item.value_origin("csv"), f"cannot read {name}: {error.strerror}"))
    except csv.Error as error:
        findings.append(Finding(Origin(name, 1, 1), f"invalid CSV: {error}", "save the file again as CSV"))


def _read(
    reader: Any, name: str, item: MappingNode, key: str, findings: list[Finding]
) -> Iterator[tuple[FleetAccount, Origin]]:
    header = [cell.strip() for cell in next(reader, [])]
    wrong = list(_columns(header, Origin(name, 1, 1)))
    findings += wrong
    number = 0
    for row in reader if not wrong else ():
        origin = Origin(name, reader.line_num, 1)
        if not any(map(str.strip, row)):
            continue
        number += 1
        if number > MAX_ACCOUNTS:
            findings.append(Finding(origin, f"more than {MAX_ACCOUNTS:,} accounts", "check the file name"))
            return
        if len(row) != len(header):
            what = f"expected {len(header)} cells, found {len(row)}"
            findings.append(Finding(origin, what, "check the delimiter and the quotes of this row"))
            continue
        cells = {column: cell.strip() for column, cell in zip(header, row, strict=True) if cell.strip()}
        if problem := _row_problem(cells):
            findings.append(Finding(origin, *problem))
            continue
        yield _of_row(cells, item, key, origin), origin
    if not wrong and not number:
        findings.append(Finding(Origin(name, 1, 1), "the file has no rows", "add one row for each account"))


def _columns(header: list[str], origin: Origin) -> Iterator[Finding]:
    if "name" not in header:
        yield Finding(origin, "no column `name`", "add it, or set `delimiter:`")
    for column in header:
        if column not in COLUMNS and not column.startswith(("vars.", "labels.")):
            hint = nearest(column, COLUMNS) or f"columns: {', '.join(COLUMNS)}, vars.NAME, labels.NAME"
            yield Finding(origin, f"unknown column {shown(column)}", hint)
    for column in sorted({each for each in header if header.count(each) > 1}):
        yield Finding(origin, f"duplicate column {shown(column)}", "remove one of them")


def _row_problem(cells: Mapping[str, str]) -> tuple[str, str] | None:
    """The problem of one row and what to do, or None."""
    if "name" not in cells:
        return "no name in this row", "add it, or remove the row"
    for column in ("name", "ledger"):
        if column in cells and not re.fullmatch(NAME, cells[column]):
            return f"invalid {column} {shown(cells[column])}", "use letters, digits, - and _, at most 60"
    if not re.fullmatch(rf"{DEFAULT_KEY}[A-Z0-9_]*", cells.get("key", DEFAULT_KEY)):
        return f"invalid key {shown(cells['key'])}", f"use a variable whose name begins with {DEFAULT_KEY}"
    return None


def _of_row(cells: Mapping[str, str], item: MappingNode, key: str, origin: Origin) -> FleetAccount:
    """The account of a row; the keys of the block apply where a cell is empty."""
    plain: dict[str, Any] = {
        name: str(value) for name in ("path", "environment") if (value := item.get(name)) is not None
    }
    plain |= {name: cells[name] for name in COLUMNS if name in cells and name != "key"}
    inner = {
        group: {
            **{name: str(value) for name, value in item.get(group, EMPTY).items()},
            **{name.partition(".")[2]: cell for name, cell in cells.items() if name.startswith(f"{group}.")},
        }
        for group in ("vars", "labels")
    }
    shared = item["key"]["env"] if "key" in item else key
    return FleetAccount(
        **plain, where=str(origin), vars=inner["vars"], labels=inner["labels"], key=cells.get("key", shared)
    )
