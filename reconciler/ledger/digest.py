"""Keyed digests: how the ledger compares secrets, and signs plan files, without storing a secret."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Key:
    """A key that digests secrets and signs plan files."""

    secret: bytes = field(repr=False)

    def digest(self, name: str, value: str) -> str:
        """See :func:`digest`."""
        return digest(self.secret, name, value)

    def sign(self, content: bytes) -> str:
        """See :func:`sign`."""
        return sign(self.secret, content)


def digest(key: bytes, name: str, value: str) -> str:
    """HMAC-SHA256 in hex; the same value under another name has another digest."""
    return _mac(key, b"value", name.encode(errors="surrogatepass"), value.encode(errors="surrogatepass"))


def sign(key: bytes, content: bytes) -> str:
    """HMAC-SHA256 in hex over a whole file; never equal to a :func:`digest`."""
    return _mac(key, b"seal", b"", content)


def _mac(key: bytes, domain: bytes, name: bytes, value: bytes) -> str:
    """Lengths go in before the parts, so that no two triples give the same bytes."""
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in (domain, name, value))
    return hmac.new(key, framed, hashlib.sha256).hexdigest()
