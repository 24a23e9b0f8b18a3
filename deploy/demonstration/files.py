"""The configuration files of a demonstration, written below its directory."""

import json
import re
import secrets
from pathlib import Path
from textwrap import dedent

from campus import CAMPUS
from ports import Ports

REPOSITORY = Path(__file__).resolve().parents[2]
REPORT_SECONDS = 10
SLOT_SECONDS = 30
GRACE_SECONDS = 5


def write_collector(folder: Path, ports: Ports) -> Path:
    text = f"""\
        # A demonstration: every campus is always in class, slots last {SLOT_SECONDS} s, nobody approves agents.
        data_dir = {_text(folder / "collector")}
        listen = "127.0.0.1:{ports.collector}"
        throughput_listen = "127.0.0.1:{ports.throughput}"
        remote_write_url = "{ports.url("prometheus")}/api/v1/write"
        alertmanager_url = "{ports.url("alertmanager")}"
        notifications_token_file = {_text(_token(folder))}
        report_seconds = {REPORT_SECONDS}
        grace_seconds = {GRACE_SECONDS}
        demonstration = true
        # A test every minute, on this machine alone: not a campus's ration.
        campus_bytes_per_day = 20_000_000_000
        auto_approve = true
        # A demonstration asks nobody outside of this machine.
        internet_targets = ""
        """
    return _write(folder / "collector.toml", dedent(text))


def write_agent(folder: Path, ports: Ports) -> Path:
    text = f"""\
        # The one real agent, of campus {CAMPUS}.
        data_dir = {_text(folder / "agent")}
        metrics_port = {ports.agent}
        """
    return _write(folder / "agent.toml", dedent(text))


def write_prometheus(folder: Path, ports: Ports) -> Path:
    """The deployed configuration with this demonstration's addresses, seconds instead of minutes, and its rules."""
    text = (REPOSITORY / "deploy" / "prometheus" / "prometheus.yml").read_text()
    text = re.sub(r"(?:127\.0\.0\.1|localhost|collector):8080\b", f"127.0.0.1:{ports.collector}", text)
    text = re.sub(r"(?:127\.0\.0\.1|localhost|alertmanager):9093\b", f"127.0.0.1:{ports.alertmanager}", text)
    text = re.sub(r"(?:127\.0\.0\.1|localhost|prometheus):9090\b", f"127.0.0.1:{ports.prometheus}", text)
    text = re.sub(r"(scrape_interval|evaluation_interval|scrape_timeout):\s*\S+", r"\1: 5s", text)
    text = re.sub(r"(?m)^rule_files:\n(?:\s*-.*\n)+", f"rule_files:\n  - {_text(folder / 'rules.yml')}\n", text)
    return _write(folder / "prometheus.yml", text)


def write_alertmanager(folder: Path, ports: Ports) -> Path:
    """The deployed routes and inhibitions, told to nobody but the collector: incidents say who would have been."""
    text = (REPOSITORY / "deploy" / "alertmanager" / "alertmanager.yml").read_text()
    text = re.sub(r"(?m)^      - url: http://127\.0\.0\.1:9095/.*\n(?:        .*\n)+", "", text)
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{ports.collector}")
    # A folder's name may hold what a flow mapping of YAML does not take: JSON's quoting is taken anywhere.
    text = re.sub(r"credentials_file: [^}]+", lambda _: f"credentials_file: {_text(_token(folder))}", text)
    return _write(folder / "alertmanager.yml", text)


def _token(folder: Path) -> Path:
    """The file with the token that Alertmanager shows to the collector; made once."""
    path = folder / "notifications-token"
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_hex(32))
    return path


def _text(path: Path) -> str:
    # JSON's quoting is TOML's and YAML's too, whatever characters the directory's name has.
    return json.dumps(str(path))


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
