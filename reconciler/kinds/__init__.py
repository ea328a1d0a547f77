"""All kinds. Every module of this package that defines ``KIND`` adds one."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

from reconciler.kinds.base import Kind
from reconciler.kinds.csv_options import CsvForm, forms
from reconciler.kinds.field import FieldShape
from reconciler.kinds.schema import build


def _discover() -> Mapping[str, Kind]:
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    kinds = (module.KIND for module in modules if hasattr(module, "KIND"))
    return MappingProxyType({kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.name)})


#: All kinds by name, sorted.
KINDS: Mapping[str, Kind] = _discover()

#: The kinds that files can declare, by section.
SECTIONS: Mapping[str, Kind] = MappingProxyType({kind.section: kind for kind in KINDS.values() if kind.section})

#: The kind whose ids are the slugs in ENTRIES fields of other kinds.
SLUGS: Kind = next(
    KINDS[field.ref]
    for kind in KINDS.values()
    for field in kind.fields
    if field.shape is FieldShape.ENTRIES and field.ref
)


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of one YAML file, made from the kinds; it is shared, and not to be changed."""
    return build(KINDS.values())


def csv_source_forms() -> dict[str, CsvForm]:
    """The CSV source of each section that can have one."""
    return forms(KINDS, schema())
