"""The join string that an installer is handed: where the collector is, a token, and the pin of its CA."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from collector.administration.refusals import NotDone

if TYPE_CHECKING:
    from collector.config import Config


def join_string(config: Config, token: str) -> str:
    """``campuswifi://TOKEN@HOST:PORT?ca=PIN&tls=1``. A proxy's certificate is not known here: then there is no pin, and
    the agent trusts what its machine trusts, or the CA file that its agent.toml names."""
    parts = urlsplit(config.url)
    tls = parts.scheme == "https"
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    port = parts.port or (443 if tls else 80)
    pin = certificate_pin(config.tls_certificate) if tls and config.tls_certificate else ""
    return f"campuswifi://{token}@{host}:{port}?" + (f"ca={pin}&" if pin else "") + f"tls={int(tls)}"


def certificate_pin(path: Path) -> str:
    """SHA-256 of the last certificate of the chain that the server presents: its CA, or its self-signed own one."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    try:
        text = path.read_text("ascii")
        last = text[text.rindex(begin) : text.rindex(end) + len(end)]
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(last)).hexdigest()
    except (OSError, ValueError) as fault:
        raise NotDone(f"{path} cannot be read as a certificate: {fault}", "check tls_certificate") from None
