"""The kinds → docs/reference/addresses.md: what each kind's addresses look like, and the patterns over them."""

from __future__ import annotations

from docs.generate.markdown import code, table
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.field import FieldShape
from reconciler.model.values import _ESCAPES

INTRO = """\
# Addresses

An address is the one name that a resource has here: in plans, in the ledger, in `--target`, in `explain`. It is made
of the kind and the natural key, never of an id of the account, so it is the same in every account.

"""
FORMS = """
## Instead of the natural key

| part | names | where |
| --- | --- | --- |
| `@vip` | a resource by its `handle`, which survives renames | `tags: ["@vip"]`, `tag/@vip` |
| `{id: 4711}` | a live one by its id in the account | references; shown as `course/#4711` |
| `{path: deep-dive}` | a course or community by its path | references; shown as `course/?path=deep-dive` |

Where several live ones have the same natural key and nothing tells them apart, each is shown as `kind/#id`.

## Spelling

E-mail addresses are compared without the case of ASCII letters; tags and all other names exactly. White space around
a name and different Unicode compositions of the same letters do not count; other look-alikes (`ß` and `ss`) do.
Inside one part some signs are written otherwise, the last
three only at the front: {escapes}.

## Patterns

`--target`, `--exclude`, `--target-file`, `pull --accept` and `ledger list` take addresses with `*`, `?` and `[…]`,
in which `*` goes over `/` as well, or a kind alone:

| pattern | means |
| --- | --- |
| `contact/ann@example.com` | this contact |
| `contact` | every contact |
| `tagging/*/VIP` | everybody's tag VIP |
| `*/ann@example.com/*` | every relation of this person |

A pattern that matches nothing is an error, with the nearest address. `--target` brings along what its resources need,
reads no more than that, and never deletes. `--exclude` leaves out too what cannot be made without what it leaves out.
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
