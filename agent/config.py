"""agent.toml and the environment go in, one frozen Config comes out; a wrong key is refused with its mend."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

PREFIX = "CAMPUS_WIFI_AGENT_"
# Read elsewhere: the file itself, and the join string, which is a secret and never belongs in a file of settings.
_NOT_KEYS = {f"{PREFIX}CONFIG", f"{PREFIX}JOIN"}
PLACES = (Path("agent.toml"), Path("/etc/campus-wifi/agent.toml"))
ROLES = ("all", "prober", "joiner", "shipper")


class ConfigError(Exception):
    """Wrong configuration: says the file (or variable), the key and the mend."""


class Config(msgspec.Struct, frozen=True):
    """Every key of agent.toml with its default."""

    data_dir: Path = Path("/var/lib/campus-wifi-agent")
    # Overrides the address learnt at enrollment.
    collector: str = ""
    role: str = "all"
    # Measure through this interface only; empty: whatever the routes say.
    interface: str = ""
    # The radio that listens (airspace, link); empty: this device does not.
    wifi_interface: str = ""
    # What each radio's signal figure is worth (TOML); empty: the table that is shipped.
    radio_models: Path | None = None
    # The radio that joins as a pupil's device does, in the namespace the join unit stands in; empty: none.
    join_interface: str = ""
    # The secrets of the networks to join (TOML, mode 0600), by the name that the plan says.
    credentials: Path | None = None
    # 0: any free port (see `wifi-agent status`).
    metrics_port: int = 9478
    spool_quota_bytes: int = 512 << 20
    ca_file: Path | None = None
    # Where prober and shipper meet; empty: recorder.sock in data_dir.
    socket: Path | None = None

    @property
    def recorder_socket(self) -> Path:
        return self.socket or self.data_dir / "recorder.sock"


_TEXT = {"collector", "role", "interface", "wifi_interface", "join_interface"}
_PATHS = {"data_dir", "ca_file", "socket", "credentials", "radio_models"}
_NUMBERS = {"metrics_port": (0, 65535), "spool_quota_bytes": (1 << 20, 1 << 40)}
_KEYS = sorted(_TEXT | _PATHS | _NUMBERS.keys())


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """The file named (or CAMPUS_WIFI_AGENT_CONFIG, or the first of the usual places), then the environment over it.
    Raises ConfigError."""
    environment = os.environ if environment is None else environment
    if path is None and (named := environment.get(f"{PREFIX}CONFIG")):
        path = Path(named)
    values: dict[str, Any] = {}
    if path is None:
        path = next((place for place in PLACES if place.exists()), None)
    if path is not None:
        for key, value in _read(path).items():
            known = _known(key, str(path))
            values[known] = _typed(known, value, str(path))
    for name, text in environment.items():
        if name.startswith(PREFIX) and name not in _NOT_KEYS:
            key = _known(name.removeprefix(PREFIX).lower(), f"environment variable {name}")
            values[key] = _typed(key, _number(text) if key in _NUMBERS else text, f"environment variable {name}")
    return Config(**values)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; name another with --config") from None
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read: {fault.strerror}; check its owner and mode") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{path}: not TOML: {fault}; mend that line") from None


def _known(key: str, where: str) -> str:
    if key in _KEYS:
        return key
    near = difflib.get_close_matches(key, _KEYS, 1)
    mend = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(_KEYS)}"
    raise ConfigError(f"{where}: unknown key `{key}`; {mend}")


def _typed(key: str, value: Any, where: str) -> Any:
    if key in _NUMBERS:
        low, high = _NUMBERS[key]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"{where}: `{key}` is {value!r}; write a whole number from {low} to {high}")
        return value
    if not isinstance(value, str):
        raise ConfigError(f'{where}: `{key}` is {value!r}; write text in quotes: {key} = "..."')
    if key == "role" and value not in ROLES:
        raise ConfigError(f"{where}: `role` is {value!r}; write one of {', '.join(ROLES)}")
    if key == "collector" and value and not value.startswith(("https://", "http://")):
        raise ConfigError(f"{where}: `collector` is {value!r}; write its URL: https://HOST:PORT")
    if key in _PATHS:
        if not value and key == "data_dir":
            raise ConfigError(f"{where}: `data_dir` is empty; write the folder that holds the agent's key and spool")
        return Path(value) if value else None
    return value


def _number(text: str) -> Any:
    return int(text) if text.strip().lstrip("-").isdigit() else text
