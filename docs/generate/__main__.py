"""``python -m docs.generate``: writes docs/reference anew."""

from __future__ import annotations

from docs.generate import FOLDER, pages

FOLDER.mkdir(exist_ok=True)
for name, text in pages().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
