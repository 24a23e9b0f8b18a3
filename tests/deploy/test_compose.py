"""The containers as data: closed, pinned, provisioned, with files that are there. containers/ builds and runs ours."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector import config
from tests import binaries
from tests.deploy.composed import DEPLOY, ROOT, mounts, read, variables

FILES = ("compose.yaml", "compose.tls.yaml", "compose.anonymous.yaml")
WITH_TLS = {"CAMPUS_WIFI_NAME": "wifi.district.example"}
PIN = DEPLOY / "pin-images"

BASE = read("compose.yaml")
TLS = read("compose.yaml", "compose.tls.yaml", **WITH_TLS)
SERVICES = {**BASE["services"], "front": TLS["services"]["front"]}


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_closed(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "privileged" not in service
    # Caddy's program is marked with it (file capability, effective): with an empty bounding set its start is refused.
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "front" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 512
    assert service["logging"]["options"]["max-size"]
    assert "docker.sock" not in json.dumps(service)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"configure"}))
def test_each_service_that_stays_has_a_bound_a_restart_and_a_health_check_in_its_own_container(name: str) -> None:
    service = SERVICES[name]

    assert service["mem_limit"] and service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert "http://127.0.0.1:" in " ".join(service["healthcheck"]["test"])


@pytest.mark.parametrize("name", SERVICES)
def test_no_image_is_the_latest_of_anything(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(-[\w.]+)?(@sha256:[0-9a-f]{64})?", SERVICES[name]["image"])


def test_the_images_of_others_run_as_users_of_their_own() -> None:
    for name in ("prometheus", "alertmanager", "grafana", "front"):
        assert SERVICES[name]["user"].split(":")[0] not in {"0", "root"}, name


def test_nothing_is_published_beyond_this_machine_but_the_front_that_speaks_tls() -> None:
    for name, service in BASE["services"].items():
        assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == [], name
    assert TLS["services"]["front"]["ports"] == ["443:443"]


def test_prometheus_and_alertmanager_which_know_no_login_are_not_published_and_prometheus_has_no_way_out() -> None:
    assert "ports" not in SERVICES["prometheus"] and "ports" not in SERVICES["alertmanager"]
    assert BASE["networks"]["inside"] == {"internal": True}
    assert SERVICES["prometheus"]["networks"] == ["inside"]
    assert SERVICES["configure"]["network_mode"] == "none"


@pytest.mark.parametrize("name", SERVICES)
def test_each_file_that_is_mounted_is_there_and_read_only(name: str) -> None:
    volumes = {**BASE["volumes"]}
    for target, (source, mode) in mounts(SERVICES[name]).items():
        if source in volumes:
            continue
        assert (DEPLOY / source).exists(), source
        assert mode == "ro", target


def test_what_is_written_stays_in_named_volumes_and_only_configure_writes_the_configuration() -> None:
    written = {n: {s for s, mode in mounts(v).values() if mode == "rw"} for n, v in SERVICES.items()}

    assert written == {
        "configure": {"configured"}, "collector": {"collector"}, "prometheus": {"prometheus"},
        "alertmanager": {"alertmanager"}, "grafana": {"grafana"}, "front": set(),
    }  # fmt: skip
    for name in ("prometheus", "alertmanager"):
        assert SERVICES[name]["depends_on"]["configure"] == {"condition": "service_completed_successfully"}


def test_secrets_are_files_that_are_made_and_no_password_stands_anywhere(tmp_path: Path) -> None:
    copy = tmp_path / "make-secrets"
    copy.write_text((DEPLOY / "compose" / "make-secrets").read_text())
    for _ in range(2):
        made = subprocess.run(["sh", copy], capture_output=True, text=True, timeout=30, check=True)
    # The one that the collector makes is not among them: deploy/guides/containers.md has the command.
    named = {Path(secret["file"]).name for secret in BASE["secrets"].values()} - {"notifications-token"}

    assert "stays as it is" in made.stdout
    assert {path.name for path in (tmp_path / "secrets").iterdir()} == named
    assert all(re.fullmatch("[0-9a-f]{64}", path.read_text()) for path in (tmp_path / "secrets").iterdir())
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    everything = "".join((DEPLOY / name).read_text() for name in FILES) + (DEPLOY / "grafana/secure.env").read_text()
    assert re.findall(r"(?im)^\s*-?\s*\w*(?:PASSWORD|SECRET_KEY|TOKEN)\s*[:=].*$", everything) == []
    ignored = subprocess.run(["git", "check-ignore", "-q", "deploy/compose/secrets/x"], cwd=ROOT, check=False)
    assert ignored.returncode == 0


def environment(*names: str, **given: str) -> dict[str, str]:
    """What Grafana is started with."""
    service = read(*names, **given)["services"]["grafana"]
    lines = [line for file in service["env_file"] for line in (DEPLOY / file).read_text().splitlines()]
    held = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return held | {key: str(value) for key, value in service["environment"].items()}


SAFE = {
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_ANALYTICS_FEEDBACK_LINKS_ENABLED": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
    "GF_SECURITY_DISABLE_GRAVATAR": "true",
    "GF_PUBLIC_DASHBOARDS_ENABLED": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
    "GF_SECURITY_CONTENT_SECURITY_POLICY": "true",
    "GF_DASHBOARDS_MIN_REFRESH_INTERVAL": "30s",
    "GF_USERS_ALLOW_SIGN_UP": "false",
    "GF_USERS_AUTO_ASSIGN_ORG_ROLE": "Viewer",
    "GF_AUTH_ANONYMOUS_ENABLED": "false",
    "GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/grafana-admin-password",
    "GF_SECURITY_SECRET_KEY__FILE": "/run/secrets/grafana-secret-key",
}


@pytest.mark.parametrize("setting", SAFE)
def test_grafanas_unsafe_defaults_are_set_otherwise(setting: str) -> None:
    assert environment("compose.yaml")[setting] == SAFE[setting]


def test_behind_tls_cookies_are_secure_and_a_name_is_asked_for() -> None:
    assert environment("compose.yaml", "compose.tls.yaml", **WITH_TLS)["GF_SECURITY_COOKIE_SECURE"] == "true"
    assert "GF_SECURITY_COOKIE_SECURE" not in environment("compose.yaml")
    with pytest.raises(AssertionError, match="set CAMPUS_WIFI_NAME"):
        read("compose.yaml", "compose.tls.yaml")


def test_without_a_login_a_reader_is_a_viewer_and_only_where_it_was_asked_for() -> None:
    held = environment("compose.yaml", "compose.anonymous.yaml")

    assert held["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert (held["GF_AUTH_ANONYMOUS_ORG_ROLE"], held["GF_AUTH_ANONYMOUS_HIDE_VERSION"]) == ("Viewer", "true")


def test_grafana_finds_dashboards_and_sources_where_the_provisioning_says() -> None:
    held = environment("compose.yaml")
    where = {target: source for target, (source, _) in mounts(SERVICES["grafana"]).items()}
    provisioning = DEPLOY / where[held["GF_PATHS_PROVISIONING"]]
    [provider] = yaml.safe_load((provisioning / "dashboards" / "campus-wifi.yml").read_text())["providers"]
    sources = yaml.safe_load((provisioning / "datasources" / "campus-wifi.yml").read_text())["datasources"]
    dashboards = DEPLOY / where[variables(provider["options"]["path"], held)]

    home = Path(held["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (dashboards / home.name).exists() and where[str(home.parent)] == where[held["CAMPUS_WIFI_DASHBOARDS"]]
    assert len(list(dashboards.glob("*.json"))) == 5
    assert {source["uid"] for source in sources} == {"prometheus", "alertmanager"}
    asked = set(re.findall(r'"uid": "([\w-]+)"', "".join(p.read_text() for p in dashboards.glob("*.json"))))
    own = {json.loads(path.read_text())["uid"] for path in dashboards.glob("*.json")}
    assert asked - own - {"-- Grafana --", "grafana"} <= {source["uid"] for source in sources} | {"datasource"}
    for source in sources:
        host, port = variables(source["url"], held).removeprefix("http://").split(":")
        assert host in SERVICES and f"http://127.0.0.1:{port}/" in SERVICES[host]["healthcheck"]["test"][-1]


def test_the_collector_takes_its_configuration_and_the_addresses_in_it_are_services(tmp_path: Path) -> None:
    given = {key: str(value) for key, value in SERVICES["collector"]["environment"].items()}
    held = config.load(DEPLOY / "compose" / "collector.toml", given)

    hosts = {url.removeprefix("http://").split(":")[0] for url in (held.remote_write_url, held.alertmanager_url)}
    assert hosts == {"prometheus", "alertmanager"}
    assert mounts(SERVICES["collector"])[str(held.data_dir)] == ("collector", "rw")
    # Alertmanager's token is the collector's to make: it needs no file of it.
    assert "secrets" not in SERVICES["collector"]
    assert "notifications-token" in SERVICES["alertmanager"]["secrets"]
    assert {f"127.0.0.1:{port}:{port}" for port in (8080, 8081)} == set(SERVICES["collector"]["ports"])
    assert [listening.port for listening in (held.address, held.throughput_address) if listening] == [8080, 8081]


@pytest.mark.binaries
@pytest.mark.parametrize("services", [BASE["services"], TLS["services"]], ids=["alone", "with TLS"])
def test_the_configuration_with_the_containers_names_is_one_that_the_programs_take(
    tmp_path: Path, services: dict[str, Any]
) -> None:
    given, out = tmp_path / "given", tmp_path / "configured"
    out.mkdir()
    given.mkdir()
    for target, (source, _) in mounts(SERVICES["configure"]).items():
        if target.startswith("/given/"):
            (given / Path(target).name).write_text((DEPLOY / source).read_text())
    values = {key: str(value) for key, value in services["configure"]["environment"].items()}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    places = {"GIVEN": str(given), "CONFIGURED": str(out), "PATH": path}
    subprocess.run(["sh", given / "configure"], env=os.environ | values | places, timeout=60, check=True)

    text_of_prometheus = (out / "prometheus.yml").read_text()
    text = text_of_prometheus + (out / "alertmanager.yml").read_text()
    assert "127.0.0.1" not in text and "/etc/campus-wifi/secrets" not in text
    assert set(re.findall(r"\b([a-z.]+):(?:8080|909[035])\b", text)) <= {*SERVICES, "host.docker.internal"}
    assert "/run/secrets/notifications-token" in text
    [job] = [j for j in yaml.safe_load(text_of_prometheus)["scrape_configs"] if j["job_name"] == "campus_wifi"]
    shown = job.get("authorization", {}).get("credentials_file", "")
    # The collector's metrics are public exactly where no token is shown.
    held = config.load(DEPLOY / "compose" / "collector.toml", services["collector"]["environment"])
    assert held.is_public == (shown == "")
    assert shown.removeprefix("/run/secrets/") in ["", *services["prometheus"].get("secrets", [])]
    # promtool wants to see the file.
    (out / "prometheus.yml").write_text(text_of_prometheus.replace(shown or "\0", str(given / "configure")))
    promtool, amtool = binaries.need("promtool"), binaries.need("amtool")
    for command in (
        [promtool, "check", "config", out / "prometheus.yml"],
        [amtool, "check-config", out / "alertmanager.yml"],
    ):
        checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert sorted(file.name for file in out.iterdir()) == [
        "alertmanager.yml", "campus-wifi.tmpl", "prometheus.yml", "rules.yml",
    ]  # fmt: skip


@pytest.mark.binaries
@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_the_programs_know_the_flags_that_their_containers_give(name: str) -> None:
    told = subprocess.run([binaries.need(name), "--help"], capture_output=True, text=True, timeout=60, check=False)

    for flag in SERVICES[name]["command"]:
        assert flag.split("=")[0] in told.stdout + told.stderr


def test_the_image_is_built_from_pinned_packages_by_files_that_are_there_and_run_without_rights() -> None:
    text = (DEPLOY / "compose" / "Dockerfile").read_text()
    ignored = (DEPLOY / "compose" / "Dockerfile.dockerignore").read_text().splitlines()
    sources = [source for line in re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", text) for source in line.split()]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert re.findall(r"(?m)^FROM \S+", text) == ["FROM python:3.11.13-slim-bookworm"] * 2
    assert text.rindex("USER 10001:10001") > text.rindex("RUN")
    assert all("--require-hashes" in line or "--no-index" in line for line in re.findall(r"bin/pip [^&\n]+", text))
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source.startswith(line.removeprefix("!")) for line in ignored if line.startswith("!")), source
    assert {project["readme"], *project["license-files"], "pyproject.toml", "agent", "collector"} <= set(sources)
    assert SERVICES["collector"]["image"].endswith(f":{project['version']}")


# --- digests ---------------------------------------------------------------------------------------------------


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    """The files, and a docker that knows one digest for every image."""
    (tmp_path / "compose").mkdir()
    for name in (*FILES, "compose/Dockerfile"):
        (tmp_path / name).write_text((DEPLOY / name).read_text())
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\necho sha256:{"ab" * 32}\n')
    docker.chmod(0o755)
    return tmp_path


def pin(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    command = [sys.executable, PIN, "--dir", folder, *arguments]
    return subprocess.run(
        command, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=60, check=False
    )


def test_each_image_of_others_gets_the_digest_that_docker_says_and_ours_none(pinned: Path) -> None:
    bare = pin(pinned, "--check")
    assert bare.returncode == 1 and "no digest: prom/prometheus:v" in bare.stdout

    assert pin(pinned).returncode == 0

    text = "".join((pinned / name).read_text() for name in (*FILES, "compose/Dockerfile"))
    assert len(re.findall(rf"@sha256:{'ab' * 32}", text)) == 6
    assert "campus-wifi-collector:0.1.0\n" in text and "image: *collector" in text
    assert len((pinned / "asked").read_text().splitlines()) == 5
    assert pin(pinned, "--check").returncode == 0
    assert pin(pinned).returncode == 0
    assert yaml.safe_load((pinned / "compose.yaml").read_text())["services"]["grafana"]["image"].endswith("ab")


def test_where_docker_gives_no_digest_nothing_is_written(pinned: Path) -> None:
    (pinned / "bin" / "docker").write_text("#!/bin/sh\necho no such image >&2\nexit 1\n")
    before = (pinned / "compose.yaml").read_text()

    tried = pin(pinned)

    assert tried.returncode == 1
    assert "no such image; nothing was written" in tried.stderr
    assert (pinned / "compose.yaml").read_text() == before
