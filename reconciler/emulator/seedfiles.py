"""Reads JSON or YAML text as plain data; YAML scalars are text unless they are numbers, booleans or null."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.CSafeLoader):
    """`no` is Norwegian and +33612345678 a phone number: only true, false, null and plain integers are typed."""


_Loader.yaml_implicit_resolvers = {}

_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("(?:null|~)?$"), ["n", "~", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("0$|-?[1-9][0-9]*$"), list("-0123456789"))


def parse(text: bytes, content_type: str = "") -> Any:
    """JSON unless the type says YAML. Raises ValueError."""
    if "yaml" not in content_type:
        return json.loads(text)
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a safe loader with fewer types)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def read(path: Path) -> dict[str, Any]:
    content = parse(path.read_bytes(), "json" if path.suffix == ".json" else "yaml") or {}
    if not isinstance(content, dict):
        raise ValueError(f"{path} is not a mapping")
    return content
