"""The web server behind a lab's access point: ``python -m tests.lab.page page|portal ADDRESS``."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def serve(kind: str, address: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<html>Please accept our terms</html>" if kind == "portal" else b""
            self.send_response(200 if kind == "portal" else 204)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    ThreadingHTTPServer((address, 80), Handler).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
