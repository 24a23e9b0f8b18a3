"""``wifi-collector report`` as people type it: its figures are the answers', its printed commands give them again."""

import hashlib
import io
import json
import random
import re
import shlex
from pathlib import Path

import pypdf
import pytest

from collector.board.language import Language, percent
from collector.report.blocks import Document, Sheet, heading, text
from collector.report.pdf import pdf
from collector.store import Store
from tests.collector.command import Run, command_line
from tests.collector.report.september import LONG, PERIOD, SECRET, district

SAYS = Language("en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("september")
    district(made).store.close()
    return made


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return command_line(folder)


@pytest.fixture(scope="module")
def written(folder: Path, run: Run) -> dict[str, bytes]:
    """The district's report in both forms, and in Spanish."""
    found = {}
    for name in ("en.pdf", "en.html", "es.pdf", "es.html"):
        ran = run("report", *PERIOD, "--language", name[:2], "--out", name)
        assert (ran.returncode, ran.stderr) == (0, "")
        found[name] = (folder / name).read_bytes()
    return found


def pages(data: bytes) -> list[str]:
    return [page.extract_text().replace("\xa0", " ") for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def printed(page: str) -> dict[str, str]:
    """Each figure of a page by its field. A line of it is the figure's words, its value and its field."""
    found = {}
    for line in page.splitlines():
        words = line.split(" ")
        if re.fullmatch(r"(?:campuses\.0|totals\.real)\.[\w.]+", words[-1]):
            value = re.search(r"(\d+ h \d\d min|\d+ min|\d+ s|[\d.]+ %|\d+ / \d+|\d+)$", " ".join(words[:-1]))
            assert value, line
            found[words[-1]] = value[1]
    return found


def as_printed(field: str, value: float) -> str:
    """As a report words what the answer has in full."""
    if field.endswith("seconds") or ".seconds." in field:
        return SAYS.duration(value).replace("\xa0", " ")
    return percent(value).replace("\xa0", " ") if "ratio" in field else str(value)


def test_the_figures_of_the_pdf_are_those_of_the_answer(run: Run, written: dict[str, bytes]) -> None:
    every = pages(written["en.pdf"])
    answers = {"totals.real": json.loads(run("commitment", *PERIOD, "--json").stdout)}
    answers["campuses.0"] = json.loads(run("commitment", *PERIOD, "--campus", "roosevelt", "--json").stdout)
    district_page, roosevelt = printed(every[0]), printed(every[1])

    assert len(district_page) >= 13
    assert len(roosevelt) >= 10
    for field, shown in (district_page | roosevelt).items():
        value = answers[".".join(field.split(".")[:2])]
        for step in field.split("."):
            value = value[int(step)] if step == "0" else value[step]
        assert shown.partition(" / ")[0] == as_printed(field, value), field
    assert "of it met, at least 66.6 % campuses.0.met_ratio_lower" in every[1]


def test_a_figure_picked_at_random_is_given_again_by_its_printed_command(run: Run, written: dict[str, bytes]) -> None:
    seed = random.randrange(1 << 32)
    page = random.Random(seed).choice(pages(written["en.pdf"])[:3])
    field, shown = random.Random(seed).choice(sorted(printed(page).items()))
    command = re.search(r"The same figure again: (wifi-collector .*?--figure\s+FIELD)", page, re.DOTALL)
    assert command, seed
    words = shlex.split(command[1].replace("FIELD", field))

    again = run(*words[1:])

    assert (again.returncode, again.stderr) == (0, ""), (seed, words)
    assert as_printed(field, json.loads(again.stdout)) == shown.partition(" / ")[0], (seed, words)


def test_every_command_of_the_annex_runs_or_says_what_it_misses(
    run: Run, folder: Path, written: dict[str, bytes]
) -> None:
    """The evidence of these days was never there, so ``verify`` and its file must say so and nothing else."""
    listed = re.findall(r"<li><code>(wifi-collector [^<]*)</code>", written["en.html"].decode())
    ran = {command: run(*shlex.split(command)[1:]) for command in listed}

    assert len(ran) >= 7
    for command, one in ran.items():
        expected = (0, 1) if "verify" in command or "export-evidence" in command else (0,)
        assert one.returncode in expected, (command, one.stderr)
        assert "Traceback" not in one.stderr
    summary = json.loads(next(one.stdout for command, one in ran.items() if " report " in command))
    assert summary["digests"]["evidence"] in written["en.html"].decode()


def test_page_one_says_that_the_policy_is_proposed_and_simulated_campuses_are_marked_and_last(
    written: dict[str, bytes],
) -> None:
    every = pages(written["en.pdf"])

    assert "PROPOSED: the parties have not both agreed to it." in every[0]
    assert "of school days" not in every[0], "version 1 asks nothing of a school day"
    assert "Of 3 campuses: 1 ✕ falls short, 1 ? not enough evidence, 1 ✓ meets." in every[0]
    assert "1 SIMULATED campuses are in none of these figures" in every[0]
    assert every[2].splitlines()[1] == "Modelled"
    assert "SIMULATED: modelled by a program" in every[2]
    assert "SIMULATED" not in every[1]
    assert "PROPUESTA" in pages(written["es.pdf"])[0]


def test_names_are_never_markup(written: dict[str, bytes]) -> None:
    for name in ("en.pdf", "es.pdf"):
        said = " ".join(pages(written[name])).replace("\u200b", "")
        assert '#panic("x") $x$ *b* _i_ @ref `c` \\ <script>alert(1)</script> {{ 1 }} &' in said.replace("\n", " ")
        assert LONG in said.replace("\n", "").replace(" ", "")
        assert "\u202e" not in said
    html = written["en.html"].decode()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 1 }} &amp; \ufffdgnp.exe" in html


def test_a_character_that_no_font_has_is_printed_as_a_mark_and_counted() -> None:
    """Cuneiform: hardly a server has it."""
    blocks = heading(1, text("\U00012345 Lincoln \u2713"))
    data, missing = pdf(Document("title", "en", "foot", (Sheet((blocks,)),)), 1.8e9)

    assert missing == 1
    assert "\ufffd Lincoln \u2713" in pages(data)[0]


def test_no_word_about_a_person_and_no_hand_is_in_a_report(written: dict[str, bytes]) -> None:
    for name, data in written.items():
        said = " ".join(pages(data)) if name.endswith("pdf") else data.decode()
        assert SECRET not in said
        assert "Doe" not in said


def test_the_effort_and_the_planned_work_stand_in_the_report(written: dict[str, bytes]) -> None:
    roosevelt, annex = pages(written["en.pdf"])[1], " ".join(pages(written["en.pdf"])[4:])

    assert "detected after 15 min; somebody takes care of it after 25 min; fixed after 50 min" in roosevelt.replace(
        "\n", ""
    )
    assert "Without approved planned work:" in roosevelt
    assert "Exclusions: approved planned work" in annex
    assert "detected 15 min (1)" in annex.replace("\n", " ")


def test_planned_work_that_was_withdrawn_stands_in_the_annex_with_its_reason_and_leaves_nothing_out(
    run: Run, written: dict[str, bytes]
) -> None:
    answer = json.loads(run("commitment", *PERIOD, "--campus", "vermont", "--json").stdout)["campuses"][0]
    annex = " ".join(" ".join(pages(written["en.pdf"])[4:]).split())
    shown = run("commitment", *PERIOD, "--campus", "vermont").stdout

    assert (answer["exclusions"], answer["without_exclusions"]["seconds"]) == ([], answer["seconds"])
    assert "Approved, then withdrawn" in annex
    assert "cabling of the gym" in annex
    assert "the work was called off" in annex
    assert "was withdrawn" in shown
    assert "the work was called off" in shown
    assert "Aprobadas y después retiradas" in " ".join(" ".join(pages(written["es.pdf"])[4:]).split())


def test_the_pdf_says_its_structure_its_language_and_its_title(written: dict[str, bytes]) -> None:
    for name, language in (("en.pdf", "en"), ("es.pdf", "es")):
        read = pypdf.PdfReader(io.BytesIO(written[name]))
        root = read.trailer["/Root"].get_object()
        assert root["/MarkInfo"]["/Marked"]
        assert root["/Lang"] == language
        assert "/StructTreeRoot" in root
        assert "pdfuaid" in root["/Metadata"].get_object().get_data().decode()
        assert read.metadata is not None
        assert "2026" in str(read.metadata.title)


def test_one_campus_alone_has_its_page_first_whatever_its_answer(run: Run, folder: Path) -> None:
    ran = run("report", *PERIOD, "--campus", "lincoln", "--out", "lincoln.pdf", "--json")
    said, every = json.loads(ran.stdout), pages((folder / "lincoln.pdf").read_bytes())

    assert said["sha256"] == hashlib.sha256((folder / "lincoln.pdf").read_bytes()).hexdigest()
    assert (said["campus"], said["campus_pages"], said["proposed"]) == ("lincoln", 1, True)
    assert every[0].splitlines()[1] == "Lincoln"
    assert "PROPOSED" in every[0]
    assert "✓ meets" in every[0]
    assert "roosevelt" not in " ".join(every)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", "x.doc"), "x.doc is neither .pdf nor .html"),
        (("--out", "nowhere/x.pdf"), "nowhere is no folder"),
        (("--out", "collector.html", "--campus", "none"), "campus 'none' is in no inventory"),
        (("--out", "x.html", "--period", "month:2026-13"), "'2026-13' is no month"),
        (("--out", "x.html", "--period", "month", "--from", "2026-09-01"), "say two things"),
        (("--out", "x.html", "--from", "2026-09-02", "--to", "2026-09-01"), "is after"),
    ],
)
def test_wrong_use_is_refused_with_the_mend_and_nothing_is_written(run: Run, folder: Path, words, said: str) -> None:
    ran = run("report", *words)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert not (folder / words[1]).exists()


def test_a_report_that_is_there_already_is_not_overwritten(run: Run, folder: Path, written: dict[str, bytes]) -> None:
    ran = run("report", *PERIOD, "--out", "en.pdf")

    assert ran.returncode == 2
    assert "exists already" in ran.stderr
    assert (folder / "en.pdf").read_bytes() == written["en.pdf"]


def test_a_figure_that_is_not_there_is_refused_with_those_that_are(run: Run) -> None:
    ran = run("commitment", *PERIOD, "--figure", "totals.real.nothing")

    assert ran.returncode == 2
    assert "totals.real has no 'nothing'" in ran.stderr
    assert "it has campuses, falls_short" in ran.stderr


def test_before_there_is_a_store_a_report_says_what_to_do(tmp_path: Path) -> None:
    ran = command_line(tmp_path)("report", "--out", "empty.html")

    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) in (1, 2)
    assert not (tmp_path / "empty.html").exists()


def test_before_anything_is_imported_the_report_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    Store(f"sqlite:///{tmp_path}/data/collector.db").close()
    ran = command_line(tmp_path)("report", "--out", "empty.pdf")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "No campus is imported yet" in pages((tmp_path / "empty.pdf").read_bytes())[0]
