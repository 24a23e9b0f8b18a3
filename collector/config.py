"""collector.toml and the environment go in, one frozen Config comes out; a wrong key is refused with its mend."""

from __future__ import annotations

import contextlib
import datetime
import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from collector.access import settings
from collector.access.settings import Oidc, Proxy
from collector.commitment.period import TERM
from collector.policies.policy import SHIPPED
from collector.throughput import blocked
from collector.throughput.blocked import Window

PREFIX = "CAMPUS_WIFI_COLLECTOR_"
PLACES = (Path("collector.toml"), Path("/etc/campus-wifi/collector.toml"))
OFF = "off"


class ConfigError(Exception):
    """Wrong configuration: says the file (or variable), the key and the mend."""


class Listen(NamedTuple):
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Config(msgspec.Struct, frozen=True):
    """Every key of collector.toml with its default."""

    data_dir: Path = Path("/var/lib/campus-wifi-collector")
    listen: str = "127.0.0.1:8080"
    # Where throughput tests go, in a process of their own; empty: the next port; "off": no throughput tests.
    throughput_listen: str = ""
    # What agents are told, where that is not what follows from public_url and throughput_listen.
    throughput_url: str = ""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    # A proxy in front speaks TLS: then plain HTTP may be served beyond loopback.
    behind_proxy: bool = False
    # The address that agents use; empty: what follows from `listen`.
    public_url: str = ""
    # Whether everybody may read board, answers and metrics; unset: only where nothing beyond this machine reaches them.
    board_public: bool | None = None
    # A session ends when nobody has used it for so long, and however much it is used after so many hours.
    session_idle_minutes: int = 480
    session_hours: int = 24
    # The district's identity provider, and a proxy that signs people in (see collector/access/settings.py).
    oidc: Oidc | None = None
    proxy: Proxy | None = None
    # SQLAlchemy URL; empty: SQLite in data_dir.
    database: str = ""
    remote_write_url: str = ""
    # Where Alertmanager answers: acknowledgements and approved planned work become silences there. Empty: none is made.
    alertmanager_url: str = ""
    # A file with the bearer token that Alertmanager's webhook shows at /v1/notifications, where both are given the same
    # file; else `token create --kind notifications` makes it.
    notifications_token_file: Path | None = None
    # The shipped policy that a new collector begins with: baseline, or baseline-2 where every agent has a radio.
    policy: str = "baseline"
    # The term of the agreement that is answered for, first and last day included.
    term_from: datetime.date = TERM[0]
    term_to: datetime.date = TERM[1]
    report_seconds: int = 60
    grace_seconds: int = 60
    # Always in class, slots of three reports, labelled so.
    demonstration: bool = False
    auto_approve: bool = False
    # HOST or HOST:PORT (TCP), two independent ones divided by a comma: the internet is short only if both fail.
    internet_targets: str = "example.com:443,www.ietf.org:443"
    # The page that agents fetch after joining (http: https cannot show a portal). A path that ends in generate_204 is
    # to answer 204; else write a text of the page behind `#`. Empty: none is fetched.
    join_page: str = ""
    # What throughput tests may move on a campus in its own day, both directions together.
    campus_bytes_per_day: int = 2_000_000_000
    # When no throughput test may run (see collector/throughput/blocked.py).
    blocked: tuple[Window, ...] = ()
    # An hour of evidence is joined this long after its begin: what comes later is joined with it then.
    compact_after_hours: int = 24
    # How long signed reports are kept; then their digests stay (see `wifi-collector retention`). 0: for ever.
    evidence_days: int = 400
    # Ledger, digests and records are kept for the agreement's term and so long after it, at least.
    records_days_after_term: int = 365
    # Base URL of a campus's own reflector (`wifi-agent reflect`) by campus id: its tests go there.
    reflectors: dict[str, str] = {}

    @property
    def term(self) -> tuple[datetime.date, datetime.date]:
        """First and last day of the agreement."""
        return self.term_from, self.term_to

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data_dir.absolute() / 'collector.db'}"

    @property
    def address(self) -> Listen:
        return parse_listen(self.listen)

    @property
    def throughput_address(self) -> Listen | None:
        if self.throughput_listen == OFF:
            return None
        if self.throughput_listen:
            return parse_listen(self.throughput_listen)
        host, port = self.address
        return Listen(host, port + 1 if port else 0)

    @property
    def tls(self) -> bool:
        return self.tls_certificate is not None

    @property
    def https(self) -> bool:
        """Whether browsers reach the collector by https."""
        return self.tls or self.behind_proxy or self.public_url.startswith("https://")

    @property
    def is_public(self) -> bool:
        """Whether everybody may read what it shows."""
        alone = self.address.is_loopback and not self.https
        return alone if self.board_public is None else self.board_public

    @property
    def url(self) -> str:
        """The address that agents use, without a slash at its end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.address.port}"

    @property
    def throughput_base(self) -> str:
        """The address that agents use for throughput tests; empty where there are none."""
        if self.throughput_url:
            return self.throughput_url.rstrip("/")
        if self.throughput_address is None:
            return ""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
        return f"{'https' if self.tls else 'http'}://{host}:{self.throughput_address.port}"


_PATHS = {"data_dir", "tls_certificate", "tls_key", "notifications_token_file"}
_FLAGS = {"behind_proxy", "demonstration", "auto_approve", "board_public"}
_NUMBERS = {
    "report_seconds": (1, 3600),
    "grace_seconds": (0, 3600),
    "campus_bytes_per_day": (0, 10**13),
    "compact_after_hours": (1, 8760),
    "session_idle_minutes": (1, 43_200),
    "session_hours": (1, 720),
    "evidence_days": (0, 36_500),
    "records_days_after_term": (0, 36_500),
}
_DATES = {"term_from", "term_to"}
_TABLES = {"blocked", "reflectors", "oidc", "proxy"}
_READ: dict[str, Callable[[Any], Any]] = {"blocked": blocked.parse, "oidc": settings.oidc, "proxy": settings.proxy}
_KEYS = sorted(Config.__struct_fields__)


def parse_listen(text: str) -> Listen:
    """HOST:PORT, an IPv6 host in brackets. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(text)
    return Listen(host.strip("[]"), int(port))


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """The file named (or CAMPUS_WIFI_COLLECTOR_CONFIG, or the first of the usual places), then the environment over it.
    Raises ConfigError."""
    environment = os.environ if environment is None else environment
    if path is None and (named := environment.get(f"{PREFIX}CONFIG")):
        path = Path(named)
    values: dict[str, Any] = {}
    if path is None:
        path = next((place for place in PLACES if place.exists()), None)
    where = str(path) if path else "configuration"
    if path is not None:
        for key, value in _read(path).items():
            values[_known(key, where)] = _typed(key, value, where)
    for name, text in environment.items():
        if name.startswith(PREFIX) and name != f"{PREFIX}CONFIG":
            key = _known(name.removeprefix(PREFIX).lower(), f"environment variable {name}")
            values[key] = _typed(key, _from_text(key, text), f"environment variable {name}")
    return _consistent(Config(**values), where)


def _consistent(config: Config, where: str) -> Config:
    if (config.tls_certificate is None) != (config.tls_key is None):
        missing = "tls_key" if config.tls_key is None else "tls_certificate"
        raise ConfigError(f"{where}: `{missing}` is missing; give both certificate and key, or neither")
    if config.term_from > config.term_to:
        raise ConfigError(f"{where}: `term_from` {config.term_from} is after `term_to` {config.term_to}; exchange them")
    if config.proxy is not None and not config.behind_proxy:
        raise ConfigError(f"{where}: `proxy` names a proxy; write behind_proxy = true beside it, or take it out")
    exposed = [a for a in (config.address, config.throughput_address) if a and not a.is_loopback]
    if exposed and not config.tls and not config.behind_proxy:
        raise ConfigError(
            f"{where}: `listen` reaches beyond this machine ({exposed[0].host}) without TLS; set tls_certificate and "
            "tls_key, or behind_proxy = true where a proxy speaks TLS"
        )
    return config


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
    if key in _FLAGS:
        if not isinstance(value, bool):
            raise ConfigError(f"{where}: `{key}` is {value!r}; write true or false")
        return value
    if key in _NUMBERS:
        low, high = _NUMBERS[key]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"{where}: `{key}` is {value!r}; write a whole number from {low} to {high}")
        return value
    if key in _DATES:
        if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
            raise ConfigError(f"{where}: `{key}` is {value!r}; write a date: {key} = 2025-07-01")
        return value
    if key in _TABLES:
        return _table(key, value, where)
    if not isinstance(value, str):
        raise ConfigError(f'{where}: `{key}` is {value!r}; write text in quotes: {key} = "..."')
    if mend := _mend(key, value):
        raise ConfigError(f"{where}: `{key}` is {value!r}; write {mend}")
    if key in _PATHS:
        if not value and key == "data_dir":
            raise ConfigError(f"{where}: `data_dir` is empty; write the folder that holds key and database")
        return Path(value) if value else None
    return value


def _mend(key: str, value: str) -> str:
    """What to write instead of a text that this key cannot have, or nothing."""
    if key == "policy" and value not in SHIPPED:
        return f"one of {', '.join(SHIPPED)}"
    if key == "join_page" and value and not value.startswith("http://"):
        return "an http address: http://HOST/PATH"
    if key in {"public_url", "remote_write_url", "alertmanager_url", "throughput_url"} and value and not _is_url(value):
        return "a URL: https://HOST:PORT"
    if key in {"listen", "throughput_listen"} and value not in {"", OFF}:
        try:
            parse_listen(value)
        except ValueError:
            return '"HOST:PORT"'
    return ""


def _table(key: str, value: Any, where: str) -> Any:
    if isinstance(value, str):
        raise ConfigError(f"{where}: `{key}` is a table; write it in collector.toml")
    if key in _READ:
        try:
            return _READ[key](value)
        except ValueError as fault:
            raise ConfigError(f"{where}: `{key}`: {fault}") from None
    # An agent's row names its target in 64 characters, and so does the plan.
    if not isinstance(value, dict) or not all(_is_url(url) and len(url) <= 64 for url in value.values()):
        raise ConfigError(f'{where}: `{key}` is {value!r}; write [{key}] with lines like lincoln = "http://HOST:PORT"')
    return {campus: url.rstrip("/") for campus, url in value.items()}


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://")) and bool(urlsplit(value).hostname)


def _from_text(key: str, text: str) -> Any:
    if key in _NUMBERS and text.strip().isdigit():
        return int(text)
    if key in _DATES:
        with contextlib.suppress(ValueError):
            return datetime.date.fromisoformat(text.strip())
    if key in _FLAGS:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
    return text
