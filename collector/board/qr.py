"""An address as a QR code: text goes in, an SVG picture for a page comes out. The one importer of segno."""

from __future__ import annotations

import segno

_MODULE = 8
"""Pixels a module: a phone reads it from a door at arm's length and more."""


def svg(text: str) -> str:
    """Dark on white, also on a dark page: many readers do not take an inverted code. Error correction Q, because a
    sheet on a door gets torn."""
    made = segno.make(text, error="q", micro=False)
    picture: str = made.svg_inline(scale=_MODULE, border=4, dark="#000", light="#fff", svgclass="qr", omitsize=True)
    return picture
