"""The guides' commands are run as they stand, in a throw-away Debian; those that cannot be say why."""

import re
import shutil
from pathlib import Path

import pytest

from tests.deploy.throwaway import ROOT, Throwaway, throwaway
from tests.package.clean_environment import wheel_of_the_checkout

GUIDES = ROOT / "deploy" / "guides"
FENCE = re.compile(r"(?ms)^```(\S*) ?([^\n]*)\n(.*?)^```$")
# In the order in which a person needs them.
READ = ("install", "enroll", "watch", "upgrade", "containers")


def fences(name: str) -> list[tuple[str, str, str]]:
    """Language, marker and text of each."""
    return FENCE.findall((GUIDES / f"{name}.md").read_text())


@pytest.mark.parametrize("path", sorted(GUIDES.glob("*.md")), ids=lambda path: path.stem)
def test_each_command_of_a_guide_is_run_or_says_why_it_is_not(path: Path) -> None:
    for language, marker, text in fences(path.stem):
        if language == "sh":
            assert marker == "run" or re.fullmatch(r"not-run: \w.+", marker), text
        else:
            assert language == "ini", text


def test_each_file_and_guide_that_a_guide_names_is_there() -> None:
    for path in GUIDES.glob("*.md"):
        text = path.read_text()
        for named in re.findall(r"\bdeploy/[\w./-]*\w", text):
            assert (ROOT / named).exists() or named.startswith("deploy/compose/secrets"), f"{path.name}: {named}"
        for named in re.findall(r"\b([a-z]+\.md)\b", text.replace("deploy/runbooks.md", "")):
            assert (GUIDES / named).exists(), f"{path.name}: {named}"


@pytest.mark.package
@pytest.mark.root
@pytest.mark.timeout(900)
def test_the_commands_of_the_guides_work_one_guide_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "built").mkdir()
    wheel = wheel_of_the_checkout(tmp_path / "built", tmp_path / "source")
    with throwaway(tmp_path) as machine:
        work = machine.given / "work"
        (work / "dashboards").mkdir(parents=True)
        shutil.copytree(ROOT / "deploy", work / "deploy", ignore=shutil.ignore_patterns("secrets", "__pycache__"))
        shutil.copytree(ROOT / "dashboards" / "json", work / "dashboards" / "json")
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy2(ROOT / name, work)
        shutil.copy2(wheel, work)
        (work / "campuses.csv").write_text("id,name\nlincoln-hs,Lincoln High\nmark-twain,Mark Twain Elementary\n")
        (work / "van.csv").write_text("campus,agents\nlincoln-hs,1\nmark-twain,2\n")

        for name in READ:
            for _, marker, text in fences(name):
                if marker == "run":
                    _run(machine, name, text)

        assert not machine.exists("/opt/campus-wifi") and not machine.exists("/etc/campus-wifi/collector.toml")


def _run(machine: Throwaway, name: str, text: str) -> None:
    ran = machine.run("sh", "-euc", f"cd /given/work\n{text}", fails=True)
    assert ran.returncode == 0, f"{name}.md:\n{text}\n{ran.stdout}\n{ran.stderr}"
