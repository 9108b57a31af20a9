"""A stand-in for the dashboard of a Ray cluster: the paths of its Jobs interface, with jobs that are processes here.

As Ray 2.x answers: `python/ray/dashboard/modules/job/job_head.py`, `modules/state/state_head.py`. Every request is recorded.
"""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Dashboard:
    """Started on a port of its own; `nodes` are (address, head, state)."""

    def __init__(self, folder: Path, nodes: list[tuple[str, bool, str]]) -> None:
        self.folder, self.nodes = folder, nodes
        self.packages: dict[str, bytes] = {}
        self.jobs: dict[str, subprocess.Popen[bytes]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.stopped: list[str] = []
        self.numbers = itertools.count()
        board = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def _body(self) -> bytes:
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def _send(self, status: int, value: Any) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                self._send(*board.get(self.path))

            def do_PUT(self) -> None:
                data = self._body()
                board.asked.append(("PUT", self.path, len(data)))
                board.packages[self.path.rpartition("/")[2]] = data
                self._send(200, {})

            def do_POST(self) -> None:
                data = json.loads(self._body() or b"{}")
                board.asked.append(("POST", self.path, data))
                self._send(*board.post(self.path, data))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends the server and its jobs."""
        self.server.shutdown()
        for job in self.jobs.values():
            job.kill()

    def get(self, path: str) -> tuple[int, Any]:
        """A state, a job, its logs, or whether a package is there."""
        parts = path.partition("?")[0].strip("/").split("/")
        if parts[:3] == ["api", "v0", "nodes"]:
            rows = [{"node_ip": ip, "is_head_node": head, "state": state} for ip, head, state in self.nodes]
            return 200, {"result": True, "data": {"result": {"result": rows, "total": len(rows)}}}
        if parts[:2] == ["api", "packages"]:
            return (200, {}) if parts[-1] in self.packages else (404, {})
        job = parts[2]
        if parts[-1] == "logs":
            return 200, {"logs": (self.folder / f"{job}.log").read_text(errors="replace")}
        code = self.jobs[job].poll()
        return 200, {"status": "RUNNING" if code is None else "SUCCEEDED" if code == 0 else "FAILED", "message": f"exit code {code}"}

    def post(self, path: str, data: Any) -> tuple[int, Any]:
        """Starts or stops a job."""
        if path.endswith("/stop"):
            name = path.strip("/").split("/")[2]
            self.stopped.append(name)
            self.jobs[name].kill()
            return 200, {"stopped": True}
        name = f"raysubmit_{next(self.numbers)}"
        place = self.folder / name
        package = self.packages[data["runtime_env"]["working_dir"].rpartition("/")[2]]
        zipfile.ZipFile(io.BytesIO(package)).extractall(place)
        log = (self.folder / f"{name}.log").open("wb")
        (ip,) = (n.removeprefix("node:") for n in data["entrypoint_resources"])
        if ip not in {n for n, _, state in self.nodes if state == "ALIVE"}:
            return 500, {"error": "no such node"}
        self.jobs[name] = subprocess.Popen(data["entrypoint"], shell=True, cwd=place, stdout=log, stderr=subprocess.STDOUT)
        return 200, {"submission_id": name, "job_id": name}
