"""Which texts the board and the report use: modules and templates go in, the .po files brought up to date come out.

``python -m collector.board.catalogue`` adds texts that are new and takes away those that are used no longer; whoever
runs it then writes what is empty in locale/es.
"""

from __future__ import annotations

import datetime
import io
import sys
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from collector.board.language import LANGUAGES
from collector.board.told import sentences
from collector.policies.policy import SHIPPED, shipped

FOLDER = Path(__file__).resolve().parent
REPORT = FOLDER.parent / "report"
_KEYWORDS: dict[str, tuple[int, ...] | None] = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}


def used() -> Catalog:
    """Every text that a module or a template shows."""
    catalogue = Catalog(project="campus-wifi", charset="utf-8", header_comment="# The board's texts.")
    modules = [*sorted(FOLDER.glob("*.py")), *sorted(REPORT.glob("*.py"))]
    sources = [(path, "python") for path in modules]
    sources += [(path, "jinja2.ext:babel_extract") for path in sorted((FOLDER / "templates").glob("*.html"))]
    for path, method in sources:
        options = {"trimmed": "true", "silent": "false"}
        for _, text, comments, context in extract_from_file(method, path, keywords=_KEYWORDS, options=options):
            catalogue.add(text, None, [(path.name, 0)], auto_comments=comments, context=context)
    for sentence in sentences():
        catalogue.add(sentence.template, None, [("told.py", 0)])
    for name, file in SHIPPED.items():
        for text in policy_texts(name):
            catalogue.add(text, None, [(file, 0)])
    return catalogue


def policy_texts(name: str) -> list[str]:
    """What a shipped policy says in words for people."""
    policy = shipped(name)
    texts = [policy.title, *(text for one in policy.criteria for text in (one.title, one.statistic, one.reason))]
    return [text for text in texts if text]


def path_of(code: str) -> Path:
    return FOLDER / "locale" / code / "LC_MESSAGES" / "board.po"


def written(code: str) -> Catalog:
    """The catalogue as committed."""
    return read_po(io.BytesIO(path_of(code).read_bytes()), locale=code)


def main() -> int:
    for code in LANGUAGES:
        catalogue = written(code) if path_of(code).exists() else Catalog(locale=code, charset="utf-8")
        catalogue.update(used(), no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        catalogue.header_comment = (
            f"# The board's texts, {Locale.parse(code).english_name}. Made by collector.board.catalogue."
        )
        catalogue.project, catalogue.version, catalogue.fuzzy = "campus-wifi", "board", False
        # No times: a file that says the same is the same.
        catalogue.creation_date = catalogue.revision_date = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        out = io.BytesIO()
        write_po(out, catalogue, width=120, omit_header=False, include_lineno=False, sort_output=True)
        path_of(code).write_bytes(out.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
