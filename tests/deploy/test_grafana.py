"""Where Grafana is installed, the quickstart starts it with the five dashboards: the paths it is given hold what the
provisioning files say. A program of Grafana's name stands in for it, and reads those files as it does."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STANDS_IN = f"""#!{sys.executable}
import http.server, json, os, pathlib, sys, yaml
assert sys.argv[1:] == ["server", "--homepath=/usr/share/grafana"], sys.argv
folder = pathlib.Path(os.environ["GF_PATHS_PROVISIONING"])
def read(name):
    return yaml.safe_load(os.path.expandvars((folder / name / "campus-wifi.yml").read_text()))
found = {{
    "uids": sorted(json.loads(path.read_text())["uid"] for one in read("dashboards")["providers"]
                   for path in pathlib.Path(one["options"]["path"]).glob("*.json")),
    "sources": {{one["uid"]: one["url"] for one in read("datasources")["datasources"]}},
}}
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        (pathlib.Path(os.environ["GF_PATHS_LOGS"]) / "found.json").write_text(json.dumps(found))
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
address = os.environ["GF_SERVER_HTTP_ADDR"], int(os.environ["GF_SERVER_HTTP_PORT"])
http.server.HTTPServer(address, Health).serve_forever()
"""
USED_BEFORE = ("collector", "throughput", "prometheus", "alertmanager", "agent")
"""Each has a port of its own, one after the other; Grafana's is the next."""
STARTS = """
import argparse, contextlib, importlib.util, pathlib, sys
here, folder, port = sys.argv[1:]
sys.path.insert(0, here)
spec = importlib.util.spec_from_file_location("demonstration", here + "/__main__.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with contextlib.ExitStack() as ending:
    one = module.Demonstration(argparse.Namespace(dir=pathlib.Path(folder), port=int(port)), ending)
    ending.callback(one._children.stop)
    print(one._start_grafana())
"""


def test_an_installed_grafana_gets_the_five_dashboards_and_both_sources(tmp_path: Path) -> None:
    program = tmp_path / "grafana"
    program.write_text(STANDS_IN)
    program.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1] - len(USED_BEFORE)
    command = [sys.executable, "-c", STARTS, str(ROOT / "deploy" / "demonstration"), str(tmp_path), str(port)]
    path = f"{tmp_path}:{os.environ['PATH']}"
    ran = subprocess.run(
        command, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=120, check=False
    )
    (found,) = tmp_path.glob("run/log/found.json")

    assert ran.stdout.strip() == f"http://127.0.0.1:{port + len(USED_BEFORE)}", ran.stderr
    assert '"uids": ["campus", "commitment", "district", "place", "reporting"]' in found.read_text()
    assert f'"prometheus": "http://127.0.0.1:{port + 2}"' in found.read_text()
    assert f'"alertmanager": "http://127.0.0.1:{port + 3}"' in found.read_text()
