"""Writes docs/reference/addresses.md: the addresses of each kind, and patterns."""

from __future__ import annotations

from docs.generate.markdown import code, table
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.field import FieldShape
from reconciler.model.values import _ESCAPES

INTRO = """\
# Addresses

An address is the name of a resource in plans, in the ledger, in `--target` and in `explain`. It consists of the
kind and the natural key, not of an id, so it is the same in every account.

"""
FORMS = """
## Instead of the natural key

| part | meaning | where |
| --- | --- | --- |
| `@vip` | a resource by its `handle`, which renames do not change | `tags: ["@vip"]`, `tag/@vip` |
| `{id: 4711}` | a live resource by its id in the account | references; shown as `course/#4711` |
| `{path: deep-dive}` | a course or community by its path | references; shown as `course/?path=deep-dive` |

Live resources with the same natural key are shown as `kind/#id`.

## Spelling

E-mail addresses are compared without the case of ASCII letters, tags and all other names exactly. Surrounding white
space and different Unicode compositions of the same letters are ignored; other look-alikes (`ß` and `ss`) differ.
In JSON, plan files and the ledger some characters inside one part are escaped, the last three only at the start:
{escapes}. Texts show names as they are.

On the command line (`explain`, `--target`, `--exclude`, `ledger`) an address may be typed without escapes,
and without its kind if only one resource has that name: `explain ann@example.com`, `--target VIP`. A name of more
than one resource is an error that lists them.

## Patterns

`--target`, `--exclude`, `--target-file`, `pull --accept` and `ledger list` accept addresses with `*` (which also
matches `/`), `?` and `[…]`, or a kind:

| pattern | meaning |
| --- | --- |
| `contact/ann@example.com` | this contact |
| `contact` | every contact |
| `tagging/*/VIP` | the tag VIP on every contact |
| `*/ann@example.com/*` | every relation of this person |

A pattern without a match is an error that suggests the nearest address. `--target` includes what its resources need,
reads only these, and never deletes. `--exclude` also excludes what depends on the excluded resources.
"""


def page() -> str:
    """The whole page."""
    rows = (
        [f"[{kind.name}](kinds.md#{kind.name})", code(pattern(kind)), code(_example(kind))] for kind in KINDS.values()
    )
    escapes = ", ".join(f"{code(char)} as {code(text)}" for char, text in _ESCAPES.items())
    return INTRO + table(["kind", "address", "for example"], rows) + FORMS.replace("{escapes}", escapes)


def pattern(kind: Kind) -> str:
    """``tagging/CONTACT/TAG``."""
    return "/".join([kind.name, *(name.upper() for name in kind.key)])


def _example(kind: Kind) -> str:
    """The address of the fields' examples; a reference to a kind without one names that kind's own example."""
    return "/".join([kind.name, *(_part(kind, name) for name in kind.key)])


def _part(kind: Kind, name: str) -> str:
    field = kind.field(name)
    if field.example is None and field.shape is FieldShape.REF and field.ref:
        other = KINDS[field.ref]
        return _part(other, other.key[0])
    return str(field.example)
