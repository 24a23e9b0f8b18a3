"""``wifi-agent reflect``: this device as the far end of the campus's throughput tests, in the foreground."""

from __future__ import annotations

import argparse
import logging
import signal
import ssl
import sys
import threading
from pathlib import Path

_EXAMPLES = """\
examples:
  wifi-agent reflect                                       # every address, port 8081
  wifi-agent reflect --listen 10.20.0.9 --port 8081 --max-rate 500
  wifi-agent reflect --tls-certificate cert.pem --tls-key key.pem

The device must be enrolled: the collector's key, pinned then, decides which leases open the reflector. Name it to the
collector under [reflectors] in collector.toml, and the campus's agents test against it."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``reflect``."""
    parser = subparsers.add_parser(
        "reflect",
        help="be the far end of the campus's throughput tests",
        description="Serves throughput tests of this campus's agents, each only with a lease that the collector "
        "signed.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    everywhere = "0.0.0.0"  # noqa: S104 - the campus is whom it serves; a lease decides who may test
    parser.add_argument("--listen", default=everywhere, metavar="ADDRESS", help="address to serve on (default: all)")
    parser.add_argument("--port", type=_port, default=8081, metavar="N", help="0 for any free one (default: 8081)")
    parser.add_argument(
        "--max-rate", type=_rate, default=0.0, metavar="MBIT", help="Mb/s of all tests together (default: no bound)"
    )
    parser.add_argument("--tls-certificate", type=Path, metavar="PEM", help="serve HTTPS with this certificate")
    parser.add_argument("--tls-key", type=Path, metavar="PEM", help="its key")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serves until told to stop. Returns the exit status."""
    from agent import config, enroll  # noqa: PLC0415
    from agent.clock import RealClock  # noqa: PLC0415
    from agent.reflector import Reflector  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if (args.tls_certificate is None) != (args.tls_key is None):
        return _fail("give both --tls-certificate and --tls-key, or neither", 2)
    try:
        settings = config.load(args.config)
        enrollment = enroll.load(settings.data_dir)
    except config.ConfigError as fault:
        return _fail(fault, 2)
    except enroll.EnrollError as fault:
        return _fail(fault, 1)
    if enrollment is None:
        return _fail(f"{settings.data_dir}: this device is not enrolled; run `wifi-agent enroll` first", 1)
    clock = RealClock(settings.data_dir / "clock.json")

    def now() -> float | None:
        return None if clock.reading().state == "unknown" else clock.now()

    try:
        tls = _tls(args.tls_certificate, args.tls_key)
        reflector = Reflector((args.listen, args.port), enrollment.key(), now, args.max_rate * 1e6, tls)
    except OSError as fault:
        return _fail(f"{args.listen} port {args.port}: {fault}; free that port, or mend address or certificate", 1)
    with reflector:
        for number in (signal.SIGTERM, signal.SIGINT):
            # `shutdown` waits for the loop that this very thread runs.
            signal.signal(number, lambda *_: threading.Thread(target=reflector.shutdown).start())
        sys.stdout.write(f"reflector on {args.listen} port {reflector.port}\n")
        sys.stdout.flush()
        reflector.serve_forever()
    return 0


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def _fail(text: object, status: int) -> int:
    sys.stderr.write(f"wifi-agent: {text}\n")
    return status


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port (0 to 65535)")
    return int(text)


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is no rate in Mb/s above 0")
    return value
