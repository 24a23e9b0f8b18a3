"""The image that deploy/compose/Dockerfile makes, built by its steps and run with the settings of compose.yaml."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.composed import read
from tests.deploy.containers import podman as containers
from tests.deploy.containers.podman import Podman

pytestmark = [pytest.mark.root, pytest.mark.long, pytest.mark.timeout(2400)]
SERVICES = read("compose.yaml")["services"]
COLLECTOR = SERVICES["collector"]
GRACE_SECONDS = float(COLLECTOR["stop_grace_period"].removesuffix("s"))
READY = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/readyz', timeout=4).read().decode())"
ECHO = "from collector.edge.ask import answered; print(answered(['127.0.0.1'], 5.0, 'icmp'))"
# Inherited, permitted, effective, bounding, ambient.
NONE = "".join(f"Cap{kind}:\t0000000000000000\n" for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"))


@pytest.fixture(scope="module")
def podman(request: pytest.FixtureRequest) -> Iterator[Podman]:
    containers.need()
    base = containers.base(request.config.cache.mkdir("base-image"))
    # Its sockets' names must be short.
    with containers.podman(Path(tempfile.mkdtemp(prefix="cw-"))) as made:
        made.build(base, COLLECTOR["image"])
        yield made


@pytest.fixture
def collector(podman: Podman) -> Iterator[str]:
    """A running one with a volume of its own; its name."""
    yield (name := serve(podman))
    podman("rm", "--force", name)
    podman("volume", "rm", "collector")


def serve(podman: Podman) -> str:
    started = podman.run(COLLECTOR, "--detach", "--name=collector")
    assert started.returncode == 0, started.stderr
    deadline = time.monotonic() + 60
    # Docker asks each interval; nobody does here, so the test asks, with the same command.
    while (asked := podman.start("healthcheck", "run", "collector")).returncode:
        said = podman.start("logs", "collector")
        assert time.monotonic() < deadline, asked.stdout + asked.stderr + said.stdout + said.stderr
        time.sleep(0.2)
    return "collector"


def inside(podman: Podman, *command: str) -> str:
    return podman("exec", "collector", *command)


def test_the_collector_becomes_healthy_by_its_own_check_and_holds_no_right(podman: Podman, collector: str) -> None:
    assert podman("ps", "--filter=health=healthy", "--format={{.Names}}") == f"{collector}\n"
    assert inside(podman, "python", "-c", READY) == '{"status":"ready"}\n'
    assert inside(podman, "id", "-u") == "10001\n"
    held = inside(podman, "sh", "-c", "cat /proc/1/status")
    assert NONE in held and "NoNewPrivs:\t1\n" in held and "Seccomp:\t2\n" in held
    # Which it asks without one.
    assert inside(podman, "python", "-c", ECHO) == "{'127.0.0.1'}\n"
    refused = podman.start("exec", collector, "sh", "-c", "echo x >/opt/campus-wifi-collector/x")
    assert "Read-only file system" in refused.stderr
    assert inside(
        podman, "sh", "-c", "echo 'echo it ran' >/tmp/x && sh /tmp/x && chmod +x /tmp/x && ! /tmp/x 2>&1"
    ) == ("it ran\nsh: 1: /tmp/x: Permission denied\n")


def test_on_sigterm_it_ends_by_itself_within_the_grace_and_a_new_container_finds_its_data(
    podman: Podman, collector: str
) -> None:
    inside(podman, "wifi-collector", "token", "create", "--kind", "api", "--role", "viewer", "--name", "kept-over")
    begun = time.monotonic()
    podman("stop", collector)

    assert time.monotonic() - begun < GRACE_SECONDS
    # 137 would be a kill.
    assert podman("inspect", "--format", "{{.State.ExitCode}}", collector) == "0\n"
    podman("rm", collector)
    serve(podman)
    assert "kept-over" in inside(podman, "wifi-collector", "token", "list")


def test_a_list_of_the_district_goes_in_as_the_guide_says(podman: Podman, collector: str, tmp_path: Path) -> None:
    (tmp_path / "campuses.csv").write_text("id,name\noak,Oak School\n")
    with (tmp_path / "campuses.csv").open() as given:
        podman.pour(given, "exec", "--interactive", collector, "sh", "-c", "cat >/tmp/campuses.csv")

    inside(podman, "wifi-collector", "import", "campuses", "/tmp/campuses.csv", "--apply")

    assert '"campus":"oak"' in inside(podman, "wifi-collector", "commitment", "--json").replace(" ", "")


def test_a_volume_that_is_not_its_own_is_refused_with_whose_it_is(podman: Podman, tmp_path: Path) -> None:
    held = tmp_path / "of-root"
    held.mkdir(mode=0o755)

    refused = podman.run(COLLECTOR, "--rm", collector=str(held))

    assert refused.returncode == 1
    assert (
        "/var/lib/campus-wifi-collector belongs to root:root (0:0), mode 0755, and cannot be written by "
        "campus-wifi-collector (10001:10001), as whom this runs; run as its owner, or give it: chown 10001:10001 "
    ) in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_volume_that_is_forgotten_is_refused_as_a_file_system_that_is_read_only(podman: Podman) -> None:
    without = COLLECTOR | {"volumes": [one for one in COLLECTOR["volumes"] if not one.startswith("collector:")]}

    refused = podman.run(without, "--rm")

    assert refused.returncode == 1
    assert "/var/lib/campus-wifi-collector is on a file system that is mounted read-only" in refused.stderr


def test_configure_writes_what_the_others_read_and_ends(podman: Podman) -> None:
    done = podman.run(SERVICES["configure"], "--rm")

    assert done.returncode == 0, done.stderr
    look = SERVICES["configure"] | {"entrypoint": ["ls", "-1n", "/configured"]}
    files = [line.split() for line in podman.run(look, "--rm").stdout.splitlines()[1:]]
    assert {file[-1] for file in files} == {"alertmanager.yml", "campus-wifi.tmpl", "prometheus.yml", "rules.yml"}
    assert {(file[0], file[2]) for file in files} == {("-rw-r--r--", "10001")}
    podman("volume", "rm", "configured")


def test_nothing_of_this_machine_but_the_programs_is_in_the_image(podman: Podman) -> None:
    shown = podman(
        "image", "inspect", "--format", "{{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.User}}", COLLECTOR["image"]
    )
    look = "ls -A /source /wheel /build 2>/dev/null; find / -xdev -user 10001; command -v pip gcc git"
    bare = ["run", "--rm", "--network=none", *containers.limits(), "--entrypoint=sh", COLLECTOR["image"], "-c", look]

    assert shown == "[wifi-collector] [serve] 10001:10001\n"
    assert set(podman.start(*bare).stdout.split()) == {
        "/configured", "/var/lib/campus-wifi-collector", "/opt/campus-wifi-collector/bin/pip",
    }  # fmt: skip
