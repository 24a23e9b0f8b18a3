"""The document as one HTML file that loads nothing: for screens, screen readers and print."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from collector.report.blocks import Document

MARKS = {"meets": "✓", "falls_short": "✕", "not_enough_evidence": "?", "met": "✓", "short": "✕", "unknown": "?"}


def html(document: Document) -> bytes:
    return _environment().get_template("report.html").render(document=document, marks=MARKS).encode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("collector.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
