"""The whole report: what was read goes in, its sheets in the reader's language come out. Pure.

One page for the district, one for each campus that falls short, the lists, the annex; of one campus its page and the
annex. Simulated campuses stand behind all real ones.
"""

from __future__ import annotations

from collector.board.language import Language
from collector.report import annex, campus_page, district_page, figures
from collector.report.blocks import Block, Document, Sheet, heading, paragraph, strong, text
from collector.report.reading import Reading


def document(read: Reading, say: Language) -> Document:
    _ = say.catalogue.gettext
    answer = read.answer
    zone = read.method.timezone if read.method else "UTC"
    days = f"{say.date(answer['from'])} – {say.date(answer['to'])}"
    made_at = say.date_and_time(read.made_at, zone)
    title = _("School Wi-Fi: the answer for {days}").format(days=days)
    if read.method is None:
        words = _("No campus is imported yet: there is nothing to report.")
        return Document(title, say.code, made_at, (Sheet((heading(1, text(title)), paragraph(text(words)))),))
    standing = figures.standing(say, read.method.policy)
    first: list[Block] = [paragraph(strong(f"{days}. "), text(_("Made on {when}").format(when=made_at)), look="soft")]
    first.append(paragraph(*standing, look="note"))
    if answer["demonstration_hours"]:
        words = _("DEMONSTRATION HOURS: every campus counts as in class, day and night. These figures say nothing "
                  "about real class time.")  # fmt: skip
        first.append(paragraph(strong(words), look="note"))
    sheets = []
    pages = sorted(read.campuses, key=lambda one: one.campus.simulated)
    if not read.only:
        sheets.append(district_page.sheet(say, read, title, tuple(first)))
        first = []
    sheets += [
        campus_page.sheet(say, answer, one, read.because[one.campus.id], number, tuple(first))
        for number, one in enumerate(pages)
    ]
    if not read.only:
        sheets.append(district_page.lists(say, answer, zone))
    sheets.append(annex.sheet(say, read, standing, zone))
    foot = _("School Wi-Fi, {days}; policy {policy}, {standing}; made on {when}").format(
        days=days,
        policy=answer["policy"],
        standing=_("proposed") if answer["proposed"] else _("agreed"),
        when=made_at,
    )
    return Document(title, say.code, text(foot).text, tuple(sheets))
