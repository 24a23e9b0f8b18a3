"""A month's geometry (collector/board/month.py) as one drawing for print: what is short is dark, what is unknown is
hatched, what is met is light, so that greys tell them apart too. Words go in translated; nothing else is text."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from collector.board.language import Language

if TYPE_CHECKING:
    from collector.board.month import Block, Month

_WIDE, _HIGH, _LEFT, _FOOT = 700.0, 130.0, 44.0, 16.0
_FONT = 'font-family="Libertinus Serif, serif" font-size="11" fill="#333"'
_MET, _SHORT, _UNKNOWN = "#d7e9dd", "#8f1018", "#6b4a00"


def drawing(month: Month, say: Language, timezone: str, name: str, words: str) -> str:
    """An SVG. ``name``: an id of its own in the document; ``words``: what a screen reader says instead."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE:g} {_HIGH + _FOOT:g}" role="img" '
        f'aria-label="{escape(words, {chr(34): "&quot;"})}">',
        f'<defs><pattern id="{name}" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="5" height="5" fill="#fff"/>'
        f'<line x1="0" y1="0" x2="0" y2="5" stroke="{_UNKNOWN}" stroke-width="2"/></pattern></defs>',
    ]
    for mark in month.hours:
        y = _down(mark.y)
        parts.append(f'<line x1="{_LEFT:g}" x2="{_WIDE:g}" y1="{y:g}" y2="{y:g}" stroke="#ccc" stroke-width=".6"/>')
        hour = escape(say.hour(mark.at, timezone))
        parts.append(f'<text x="{_LEFT - 5:g}" y="{y + 9:g}" text-anchor="end" {_FONT}>{hour}</text>')
    for column in month.columns:
        x, width = _across(column.x), column.width * 0.84 * (_WIDE - _LEFT) / 100
        parts += [_block(block, x, width, name) for block in column.blocks]
        if column.labelled:
            date = escape(say.short_date(column.day))
            parts.append(f'<text x="{x:g}" y="{_HIGH + 12:g}" {_FONT}>{date}</text>')
    return "".join((*parts, "</svg>"))


def _block(block: Block, x: float, width: float, name: str) -> str:
    fill = {"met": _MET, "short": _SHORT, "unknown": f"url(#{name})"}[block.state]
    edge = f' stroke="{_UNKNOWN}" stroke-width=".5"' if block.state == "unknown" else ""
    y, height = _down(block.y), block.height * _HIGH / 100
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" fill="{fill}"{edge}/>'


def _across(per_cent: float) -> float:
    return round(_LEFT + per_cent * (_WIDE - _LEFT) / 100, 2)


def _down(per_cent: float) -> float:
    return round(per_cent * _HIGH / 100, 2)
