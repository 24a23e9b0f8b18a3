"""A name server behind a lab's access point that takes its time: ``python -m tests.lab.slow_dns ADDRESS SECONDS``."""

import socket
import sys
import threading


def serve(address: str, seconds: float) -> None:
    """Every name has this address, which the asker learns ``seconds`` later."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        while True:
            query, asker = server.recvfrom(512)
            threading.Timer(seconds, server.sendto, (_answer(query, address), asker)).start()


def _answer(query: bytes, address: str) -> bytes:
    """The query's question with one A record (RFC 1035 section 4.1)."""
    end = query.index(0, 12) + 5
    header = query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
    return header + query[12:end] + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + socket.inet_aton(address)


if __name__ == "__main__":
    serve(sys.argv[1], float(sys.argv[2]))
