"""The rules of the house: lengths, borders between the packages, and nothing of one machine in the files."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 400
TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "agent", "collector", "dashboards", "deploy",
    "pyproject.toml", "tests",
}  # fmt: skip
# Written by a program from what stands elsewhere in the repository, and never read from top to bottom.
GENERATED = ("deploy/requirements/", "dashboards/json/", "tests/wire/v")
COMMANDS = ["wifi-agent", "wifi-collector"]


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: the tracked files are not known")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> dict[Path, str]:
    found = {}
    for path in tracked():
        data = (ROOT / path).read_bytes()
        if b"\0" not in data[:4096]:
            found[path] = data.decode()
    return found


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_no_file_is_longer_than_people_read() -> None:
    too_long = {
        str(path): text.count("\n")
        for path, text in texts().items()
        if path.suffix in {".py", ".sh", ""} and not str(path).startswith(GENERATED) and path.name != "LICENSE"
        and text.count("\n") > MAX_LINES
    }  # fmt: skip

    assert too_long == {}


def test_the_top_level_holds_nothing_else() -> None:
    assert {path.parts[0] for path in tracked()} <= TOP_LEVEL


def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    forbidden = re.compile(
        r"pypi\.org|pythonhosted\.org|(?:deb|security|ftp)\.debian\.org|registry\.npmjs|proxy\.golang|"
        r"--index-url|--extra-index-url|--trusted-host|/work/(?:main|shared)|/tmp/w/|/root/|/home/[a-z]"
    )
    here = Path(__file__).resolve().relative_to(ROOT)
    named = {
        f"{path}:{number}": line.strip()[:100]
        for path, text in texts().items()
        if path != here
        for number, line in enumerate(text.splitlines(), 1)
        if forbidden.search(line)
    }

    assert named == {}


def test_requirements_pin_every_package_by_version_and_hash() -> None:
    for name in ("agent", "collector", "build", "test"):
        text = (ROOT / "deploy" / "requirements" / f"{name}.txt").read_text()
        logical = re.sub(r"\\\n\s*", " ", text)
        packages = [line for line in logical.splitlines() if line and not line.lstrip().startswith("#")]

        assert packages
        pinned = re.compile(r"^[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}")
        assert [line for line in packages if not pinned.match(line)] == []


def test_the_collector_imports_only_the_wire_of_the_agent_and_the_agent_nothing_of_the_collector() -> None:
    faults = []
    for package in ("agent", "collector"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module else []
                for name in names:
                    across = name.split(".")[0] in {"agent", "collector"} - {package}
                    if across and not (package == "collector" and (name + ".").startswith("agent.wire.")):
                        faults.append(f"{path.relative_to(ROOT)}:{node.lineno} imports {name}")

    assert faults == []


def test_import_linter_keeps_the_borders() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed here")
    ran = run(linter, "--no-cache")

    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    ("package", "importers"),
    [
        ("scapy", {"agent/arp.py", "agent/dot11.py"}),
        ("pyroute2", {"agent/nl80211.py"}),
        ("apscheduler", {"agent/schedule.py", "collector/periodic.py"}),
        ("psutil", {"agent/probes/host.py"}),
        ("httpx", {"agent/transport.py", "collector/transport.py"}),
        ("argon2", {"collector/access/passwords.py"}),
        ("joserfc", {"collector/access/oidc.py"}),
        ("openpyxl", {"collector/lists/workbook.py"}),
        ("icalendar", {"collector/school_time/events.py"}),
        ("typst", {"collector/report/pdf.py"}),
        ("dateutil", {"collector/school_time/events.py"}),
    ],
)
def test_each_heavy_package_has_its_importer_and_no_other(package: str, importers: set[str]) -> None:
    line = re.compile(rf"(?m)^\s*(?:import|from) {package}\b")
    packages = ("agent", "collector")
    found = {str(path) for path, text in texts().items() if path.parts[0] in packages and line.search(text)}

    assert found == importers


def test_a_fresh_agent_loads_no_scapy_and_nothing_of_the_collector() -> None:
    fresh = "import agent.service, sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = run(sys.executable, "-c", fresh)

    assert loaded.returncode == 0, loaded.stderr
    modules = set(loaded.stdout.split())
    heavy = {"scapy", "pyroute2", "collector", "sqlalchemy", "alembic", "starlette", "uvicorn", "jinja2", "babel"}
    assert modules & heavy == set()


@pytest.mark.parametrize("package", ["agent", "collector"])
def test_each_package_says_what_it_is_and_holds_nothing_else(package: str) -> None:
    body = ast.parse((ROOT / package / "__init__.py").read_text()).body

    assert all(isinstance(node, ast.Expr | ast.Assign) for node in body)
    assert isinstance(body[0], ast.Expr)


def _helps(command: str) -> dict[str, str]:
    """What ``--help`` prints of every command that has none below it, by its words: asked of the parsers in one fresh
    process, since a process for each would take minutes."""
    walk = """
import argparse, json, sys
from PACKAGE.cli import parser
def leaves(one):
    below = [act for act in one._actions if isinstance(act, argparse._SubParsersAction)]
    if not below:
        return {one.prog: one.format_help()}
    return {name: text for act in below for sub in act.choices.values() for name, text in leaves(sub).items()}
json.dump(leaves(parser()), sys.stdout)
"""
    ran = run(sys.executable, "-c", walk.replace("PACKAGE", command.removeprefix("wifi-")))
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_in_its_help(command: str) -> None:
    helps = _helps(command)

    assert len(helps) >= 8
    assert [name for name, text in helps.items() if not _shows_an_example(command, name, text)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_installed_command_prints_its_help(command: str) -> None:
    binary = Path(sys.executable).with_name(command)
    if not binary.exists():
        pytest.skip(f"{command} is not installed beside this Python: pip install -e .")

    ran = run(binary, "--help")

    assert ran.returncode == 0, ran.stderr
    assert f"usage: {command}" in ran.stdout


def _shows_an_example(command: str, name: str, text: str) -> bool:
    # The usage itself names the command, and the program's own name may hold options: only what comes after counts.
    after_usage = text.partition("\n\n")[2]
    words = " ".join([command, *(word for word in name.split()[1:] if re.fullmatch("[a-z][a-z-]*", word))])
    return re.search(rf"(?im)^\s*examples?:|{re.escape(words)} +\S", after_usage) is not None


@pytest.mark.parametrize("script", ["deploy/quickstart", "tests/run"])
def test_each_script_shows_an_example_in_its_help(script: str) -> None:
    ran = run("bash", ROOT / script, "--help")

    assert ran.returncode == 0, ran.stderr
    assert re.search(rf"(?m)^\s*{re.escape(script)} --?\w", ran.stdout)
