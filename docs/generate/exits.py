"""Writes docs/reference/exit-codes.md from the exception tree."""

from __future__ import annotations

import re

from docs.generate import meanings
from docs.generate.markdown import sentence, table
from reconciler import errors

INTRO = "# Exit codes\n\n"
ERRORS = """
Usage errors are failures (1) as well; 2 is for changes only. Each message has one line per problem, starting with
`error: `: what is wrong, which resource, where in the files, what to do. User input, files and servers never cause a
traceback.

## Errors

"""


def page() -> str:
    """The whole page: what each code means, then every way to end a run, with its code."""
    rows = ([str(code), text] for code, text in meanings.CODES.items())
    tree = re.findall(r"([A-Z]\w+) +(\d+)   (.+)$", errors.__doc__ or "", re.MULTILINE)
    ends = ([_spaced(name), code, sentence(text)] for name, code, text in tree[1:])
    return INTRO + table(["exit code", "meaning"], rows) + ERRORS + table(["error", "exit code", "meaning"], ends)


def _spaced(name: str) -> str:
    words = re.findall(r"[A-Z][a-z]+", name)
    return " ".join([words[0], *(word.lower() for word in words[1:])])
