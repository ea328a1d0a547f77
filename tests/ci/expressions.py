"""``${{ … }}`` as far as our action and workflows use it: look-ups, comparisons, and, or, not, four functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w.-]*)|(?P<sign>\|\||&&|==|!=|!|\(|\)|,)|(?P<number>\d+))"
)
_INSERT = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
STATUS = ("always", "success", "failure", "cancelled")


class Evaluator:
    """Expressions over ``contexts`` (``inputs``, ``steps``, ``github``, …) of a job that ``failed`` or did not."""

    def __init__(self, contexts: Mapping[str, Any], *, failed: bool = False) -> None:
        self.contexts, self.failed = contexts, failed
        self._tokens: list[tuple[str, str]] = []

    def text(self, template: Any) -> str:
        """A value of the file with everything inserted, as the runner passes it on."""
        return _INSERT.sub(lambda match: shown(self.value(match[1])), shown(template))

    def condition(self, text: Any) -> bool:
        """An ``if:``; without a function of status it holds only while nothing has failed."""
        text = shown(text)
        whole = _INSERT.fullmatch(text.strip())
        bare = whole[1] if whole else text
        if not re.search(rf"\b(?:{'|'.join(STATUS)})\(", bare) and self.failed:
            return False
        return truth(self.value(bare)) if bare.strip() else not self.failed

    def value(self, text: str) -> Any:
        """What an expression comes to."""
        self._tokens = list(_tokens(text))
        found = self._either()
        assert not self._tokens, f"not understood: {text!r} from {self._tokens}"
        return found

    def _either(self) -> Any:
        found = self._both()
        while self._take("||"):
            other = self._both()
            found = found if truth(found) else other
        return found

    def _both(self) -> Any:
        found = self._equal()
        while self._take("&&"):
            other = self._equal()
            found = other if truth(found) else found
        return found

    def _equal(self) -> Any:
        found = self._one()
        while self._tokens and self._tokens[0][1] in ("==", "!="):
            sign = self._tokens.pop(0)[1]
            same = shown(found).lower() == shown(self._one()).lower()
            found = same if sign == "==" else not same
        return found

    def _one(self) -> Any:
        if self._take("!"):
            return not truth(self._one())
        if self._take("("):
            found = self._either()
            assert self._take(")")
            return found
        kind, text = self._tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return int(text)
        assert kind == "name", text
        return self._call(text) if self._take("(") else self._looked_up(text)

    def _call(self, name: str) -> Any:
        given = []
        while not self._take(")"):
            given.append(self._either())
            self._take(",")
        calls = {
            "always": lambda: True,
            "success": lambda: not self.failed,
            "failure": lambda: self.failed,
            "cancelled": lambda: False,
            "startsWith": lambda a, b: shown(a).lower().startswith(shown(b).lower()),
        }
        return calls[name](*given)

    def _looked_up(self, path: str) -> Any:
        if path in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[path]
        found: Any = self.contexts
        first = path.partition(".")[0]
        assert first in self.contexts, f"there is no context {first}"
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def _take(self, sign: str) -> bool:
        if self._tokens and self._tokens[0] == ("sign", sign):
            self._tokens.pop(0)
            return True
        return False


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match, f"not understood: {text[at:]!r}"
        at = match.end()
        assert match.lastgroup
        found.append((match.lastgroup, match[match.lastgroup]))
    return found


def shown(value: Any) -> str:
    """A value as text, as the runner writes it."""
    return {None: "", True: "true", False: "false"}.get(value, str(value)) if not isinstance(value, str) else value


def truth(value: Any) -> bool:
    """Whether a value counts as true."""
    return value not in (None, False, "", 0)
