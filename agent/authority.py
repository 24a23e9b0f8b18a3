"""Finds the certificate that a join string's pin names: the server shows its chain, the pin picks from it.

The handshake here only reads what the server shows; nothing is sent, and nothing but the pinned hash is believed.
Every request afterwards is verified against the certificate found.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl


class NotShown(Exception):
    """The server could not be reached, or shows no certificate with the pinned hash."""


def pinned_certificate(host: str, port: int, pin: str, timeout: float = 10.0) -> str:
    """The PEM of the certificate whose DER has SHA-256 ``pin``. Raises NotShown."""
    for der in shown_chain(host, port, timeout):
        if hmac.compare_digest(hashlib.sha256(der).hexdigest(), pin.lower()):
            return ssl.DER_cert_to_PEM_cert(der)
    raise NotShown(
        f"{host}:{port} shows no certificate with the pin of the join string: this is another server, or something "
        "between opens the connection; check the address, or set ca_file"
    )


def shown_chain(host: str, port: int, timeout: float = 10.0) -> list[bytes]:
    """The certificates (DER, the server's own first) that whoever answers shows. Raises NotShown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), timeout) as plain, context.wrap_socket(plain) as tls:
            return _chain(tls)
    except OSError as fault:
        raise NotShown(f"{host}:{port}: {fault}") from None


def _chain(tls: ssl.SSLSocket) -> list[bytes]:
    # Public from Python 3.13 on; before that the same method sits on the inner object.
    holder = tls if hasattr(tls, "get_unverified_chain") else getattr(tls, "_sslobj", None)
    shown = holder.get_unverified_chain() if holder is not None and hasattr(holder, "get_unverified_chain") else None
    if shown:
        return [der if isinstance(der, bytes) else der.public_bytes(2) for der in shown]
    leaf = tls.getpeercert(binary_form=True)
    return [leaf] if leaf else []
