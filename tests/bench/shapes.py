"""A size and a seed → the YAML of a project and the account that it describes, the same for every run.

The item is a contact of ten scalars: e-mail, locale, three tags, five fields.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

PAGE = 100
WORDS = "amber birch cedar delta ember frost grove haven iris juniper kelp lotus maple north ochre pearl".split()


@dataclass(frozen=True)
class Size:
    """How many of each collection an account holds."""

    contacts: int
    tags: int
    fields: int
    webhooks: int
    enrollments: int
    courses: int = 10
    tags_each: int = 3
    fields_each: int = 5

    @property
    def objects(self) -> int:
        """Items of all collections that are read."""
        return self.contacts + self.tags + self.fields + self.webhooks + self.enrollments + self.courses

    @property
    def resources(self) -> int:
        """What the files declare, taggings included."""
        return self.objects - self.courses + self.contacts * self.tags_each

    @property
    def chain(self) -> int:
        """Calls of the longest walk: its cursor lets none of them begin before the one before has ended."""
        return max(pages(self.contacts), pages(self.enrollments), pages(self.tags), 1)

    @property
    def reads(self) -> int:
        """The fewest calls that show everything once: fields and webhooks come whole."""
        paged = [self.contacts, self.tags, *([self.enrollments, self.courses] if self.enrollments else [])]
        return sum(pages(each) for each in paged) + bool(self.fields) + bool(self.webhooks)


def pages(items: int) -> int:
    """Pages of 100; an empty collection takes one to see."""
    return max(1, ceil(items / PAGE))


SIZES = {
    "1k": Size(contacts=1_000, tags=50, fields=10, webhooks=5, enrollments=200),
    "10k": Size(contacts=10_000, tags=500, fields=20, webhooks=10, enrollments=5_000),
    "100k": Size(contacts=100_000, tags=1_000, fields=50, webhooks=20, enrollments=50_000),
    "bootstrap": Size(contacts=250, tags=50, fields=20, webhooks=5, enrollments=175, tags_each=2),
    "rename": Size(contacts=1_000, tags=100, fields=0, webhooks=0, enrollments=0, tags_each=1, fields_each=0),
}


def account(size: Size, seed: int = 7) -> dict[str, Any]:
    """The account as a seed of the emulator; ids are given, so that two seeds agree on them."""
    rng = random.Random(seed)
    tags = [f"Tag {number:04d}" for number in range(size.tags)]
    slugs = [f"field_{number:02d}" for number in range(size.fields)]
    courses = [f"Course {number:02d}" for number in range(size.courses)] if size.enrollments else []
    contacts = [_contact(number, size, tags, slugs, rng) for number in range(size.contacts)]
    joined = rng.sample(range(size.contacts * len(courses)), size.enrollments) if courses else []
    return {
        "tags": [{"id": 100 + number, "name": name} for number, name in enumerate(tags)],
        "contact_fields": [{"slug": slug, "name": slug.replace("_", " ").title()} for slug in slugs],
        "contacts": contacts,
        "courses": [{"id": 10 + number, "name": name} for number, name in enumerate(courses)],
        "enrollments": [
            {
                "id": 500_000 + number,
                "contact": contacts[cell // len(courses)]["email"],
                "course": courses[cell % len(courses)],
                "access": "full_access",
            }
            for number, cell in enumerate(sorted(joined))
        ],
        "webhooks": [
            {
                "id": f"00000000-0000-4000-8000-{number:012d}",
                "name": f"Hook {number:02d}",
                "url": f"https://hooks.example.com/{number}",
                "events": ["CONTACT_CREATED", "SALE_NEW"],
            }
            for number in range(size.webhooks)
        ],
    }


def _contact(number: int, size: Size, tags: list[str], slugs: list[str], rng: random.Random) -> dict[str, Any]:
    words = rng.choices(WORDS, k=2)
    first = number * size.tags_each  # in turn: every tag is used, the same number of times
    mine = [tags[(first + step) % len(tags)] for step in range(size.tags_each)]
    fields = {slug: f"{rng.choice(WORDS)} {rng.randrange(1000)}" for slug in rng.sample(slugs, size.fields_each)}
    email = f"{words[0]}.{words[1]}.{number}@example.com"
    return {
        "id": 1_000_000 + number,
        "email": email,
        "locale": rng.choice(("en", "fr", "de")),
        "fields": fields,
        "tags": mine,
    }


def drifted(content: dict[str, Any], share: float = 0.01) -> int:
    """Change one field of every so many contacts in place; returns how many."""
    chosen = content["contacts"][:: round(1 / share)]
    for contact in chosen:
        contact["fields"][next(iter(contact["fields"]))] = "changed by hand"
    return len(chosen)


def renamed(text: str) -> str:
    """The same files with every tag under another name."""
    lines = []
    for line in text.splitlines():
        if line.startswith("  - name: Tag "):
            old = line.removeprefix("  - name: ")
            line = f"  - name: New {old}\n    renamed_from: {old}"
        elif line.startswith("      - Tag "):
            line = line.replace("- Tag", "- New Tag")
        lines.append(line)
    return "\n".join(lines) + "\n"


def yaml(content: dict[str, Any]) -> str:
    """The account as a person would write it, one value a line: 13 lines for a contact."""
    lines: list[str] = []
    for section in ("tags", "contact_fields", "contacts", "enrollments", "webhooks"):
        if content[section]:
            lines += [f"{section}:", *(line for item in content[section] for line in _item(section, item))]
    return "\n".join(lines) + "\n"


def _item(section: str, item: dict[str, Any]) -> list[str]:
    shown = {key: value for key, value in item.items() if key != "id" and value != {}}
    lines: list[str] = []
    for key, value in shown.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"  {name}: {each}" for name, each in value.items())]
        elif isinstance(value, list):
            lines += [f"{key}:", *(f"  - {each}" for each in value)]
        else:
            lines.append(f"{key}: {value}")
    if section == "webhooks":
        lines.append("secret: {env: BENCH_SECRET}")
    return [f"{'  - ' if index == 0 else '    '}{line}" for index, line in enumerate(lines)]


def write(folder: Path, name: str, seed: int) -> None:
    """``site.yaml``, ``seed.json`` and ``drifted.json`` (and ``renamed.yaml``) of one size."""
    folder.mkdir(parents=True, exist_ok=True)
    content = account(SIZES[name], seed)
    text = yaml(content)
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    (folder / "renamed.yaml.txt").write_text(renamed(text), encoding="utf-8")
    (folder / "seed.json").write_text(json.dumps(content), encoding="utf-8")
    few = content | {"contacts": content["contacts"][::200], "enrollments": []}
    (folder / "few.yaml.txt").write_text(yaml(few), encoding="utf-8")
    (folder / "empty.json").write_text(json.dumps({"courses": content["courses"]}), encoding="utf-8")
    if SIZES[name].fields_each:
        drifted(content)
        (folder / "drifted.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":  # a process of its own: what it holds must not count as the memory of what is measured
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    write(given.folder, given.size, given.seed)
