"""The bill of materials names what is installed: every pin, with the hashes that pip checks."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SBOM = ROOT / "deploy" / "requirements" / "sbom"


def ask(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", SBOM, *arguments], capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.package
def test_the_bill_of_materials_holds_each_pinned_package_and_the_hashes_of_its_files(tmp_path: Path) -> None:
    made = ask(tmp_path, "agent")
    if made.returncode and "cyclonedx-bom" in made.stderr:
        pytest.skip(f"the tool cannot be had here: {made.stderr.strip().splitlines()[-1]}")
    assert made.returncode == 0, made.stderr

    bill = json.loads((tmp_path / "agent.cdx.json").read_text())
    text = re.sub(r"\\\n\s*", " ", (ROOT / "deploy" / "requirements" / "agent.txt").read_text())
    pins = {
        (name, version): set(re.findall(r"sha256:([0-9a-f]{64})", rest))
        for name, version, rest in re.findall(r"(?m)^([\w.-]+)==(\S+)(.*)$", text)
    }
    said = {
        (one["name"], one["version"]): {h["content"] for r in one["externalReferences"] for h in r.get("hashes", [])}
        for one in bill["components"]
    }

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "campus-wifi"
    assert said == pins


def test_a_bill_without_a_folder_or_of_nothing_known_is_wrong_use(tmp_path: Path) -> None:
    assert (ask().returncode, ask(tmp_path, "board").returncode) == (2, 2)
    assert "agent or collector" in ask(tmp_path, "board").stderr
