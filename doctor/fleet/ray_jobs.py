"""A Ray cluster as a way to its nodes: one job for each question, over the Jobs REST interface of its dashboard.

Nothing of Ray is imported, so that its release does not matter. The single file goes to the cluster once, as the
working directory of the jobs, and `entrypoint_resources` with `node:IP` says where a job runs. A job ends by itself:
after its answer, or after two minutes where it holds a port open.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shlex
import time
import zipfile
from collections.abc import Sequence
from typing import Any

from doctor.base.address import split_address
from doctor.base.json_object import JsonObject
from doctor.base.text import one_line
from doctor.fleet.boot import NEEDED, PYTHONS
from doctor.fleet.carriers import CarrierError, Place
from doctor.fleet.session import NodeError
from doctor.fleet.wire import LONGEST, MARK, message_of
from doctor.remote.client import Client, Limits, Sent
from doctor.remote.errors import RemoteError

FILE = "qvl-doctor.pyz"
SHARE = 0.001  # of the resource that every node has one of
HOLD = 90.0
PORT = 8265
LIMITS = Limits(seconds=1800.0, total=4 << 30, answer=120.0, quiet=60.0, connections=64)
SMALL, LOGS = 8 << 20, 2 * LONGEST
FINAL = ("SUCCEEDED", "FAILED", "STOPPED")
SLEEP = 0.25


class RayCluster:
    """The dashboard of a running cluster, with the single file in its store."""

    def __init__(self, base: str, file: bytes) -> None:
        self.base, self.client = base, Client("the Ray dashboard", LIMITS)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(FILE, (1980, 1, 1, 0, 0, 0)), file)
        self.package = packed.getvalue()
        self.uri = f"gcs://_ray_pkg_{hashlib.sha256(self.package).hexdigest()[:16]}.zip"

    @classmethod
    def at(cls, address: str, file: bytes) -> RayCluster:
        """The cluster at an address; `auto` is `RAY_ADDRESS`, else this machine. Raises CarrierError."""
        text = address if address != "auto" else os.environ.get("RAY_ADDRESS") or "http://127.0.0.1:8265"
        if "://" not in text:
            host = text.rpartition(":")[0] or text
            text = f"http://{host}:{PORT}"  # RAY_ADDRESS of a driver names the port of the store
        found = split_address(text.replace("ray://", "http://"))
        if found is None:
            raise CarrierError(f"`{one_line(text, 80)}` is not the address of a Ray dashboard, such as http://HEAD:8265")
        return cls(f"{found.scheme}://{found.netloc}", file)

    def places(self) -> list[Place]:
        """The nodes that are alive, the head first. Uploads the single file. Raises CarrierError."""
        try:
            rows = self.ask("/api/v0/nodes?limit=10000")["data"]["result"]["result"]
            alive = [(not r.get("is_head_node"), str(r["node_ip"])) for r in rows if r.get("state") == "ALIVE"]
            name = self.uri.removeprefix("gcs://")
            there = self.client.ask(f"{self.base}/api/packages/gcs/{name}", Sent({}), SMALL).status == 200
            if not there:
                self.put(f"/api/packages/gcs/{name}", self.package)
        except (RemoteError, NodeError) as error:
            raise CarrierError(f"{self.base}: {error}") from None
        except (LookupError, TypeError, AttributeError):
            raise CarrierError(f"{self.base} does not answer as a Ray dashboard does") from None
        if not alive:
            raise CarrierError(f"{self.base}: the cluster has no nodes that are alive")
        names = [ip for _, ip in sorted(set(alive))]
        return [Place(ip, ()) for ip in dict.fromkeys(names)]

    def talk(self, place: Place, words: Sequence[str]) -> JobTalk:
        """A node as one that can be asked."""
        return JobTalk(self, place.name, words)

    def ask(self, path: str, data: JsonObject | None = None) -> Any:
        """The JSON of a GET, or of a POST. Raises NodeError, RemoteError."""
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json", **_token()}
        answer = self.client.ask(f"{self.base}{path}", Sent(headers, body, seen=_ignored), LOGS)
        if answer.status != 200:
            said = one_line(answer.body.decode("utf-8", "replace"), 200)
            raise NodeError(f"the Ray dashboard returned status {answer.status}: {said}")
        try:
            return json.loads(answer.body)
        except ValueError:
            raise NodeError("the Ray dashboard did not answer with JSON") from None

    def put(self, path: str, data: bytes) -> None:
        """Uploads a file. Raises NodeError, RemoteError."""
        headers = {"Content-Type": "application/octet-stream", **_token()}
        status = self.client.ask(f"{self.base}{path}", Sent(headers, data, put=True), SMALL).status
        if status != 200:
            raise NodeError(f"the Ray dashboard did not take the file (status {status})")


class JobTalk:
    """One node of the cluster. Each question is a job; those that hold a port are stopped at the end."""

    def __init__(self, cluster: RayCluster, ip: str, words: Sequence[str]) -> None:
        self.cluster, self.ip, self.words = cluster, ip, words
        self.held: list[str] = []
        self.ran: str | None = None

    def ask(self, message: JsonObject, seconds: float) -> JsonObject:
        """The answer. Raises NodeError."""
        holds = message.get("ask") == "listen"
        try:
            job = self.cluster.ask("/api/jobs/", self._job(message, HOLD if holds else 0.0))["submission_id"]
            if holds:
                self.held.append(str(job))
            return self._answer(str(job), seconds)
        except RemoteError as error:
            raise NodeError(str(error)) from None
        except (LookupError, TypeError, AttributeError):
            raise NodeError("the Ray dashboard did not answer as it should") from None

    def close(self) -> None:
        """Stops what still holds a port."""
        for job in self.held:
            try:
                self.cluster.ask(f"/api/jobs/{job}/stop", {})
            except (NodeError, RemoteError):
                continue  # it ends by itself
        self.held.clear()

    def _job(self, message: JsonObject, hold: float) -> JsonObject:
        question = ["--once", json.dumps(message, separators=(",", ":")), "--hold", str(hold)]
        words = shlex.join([*self.words[:2], *question, *self.words[2:]])
        fits = f'command -v "$p" >/dev/null 2>&1 && "$p" -I -S -c {shlex.quote(NEEDED)}'
        line = f'for p in {" ".join(PYTHONS)}; do if {fits}; then exec "$p" -I -S {FILE} {words}; fi; done; exit 97'
        return {
            "entrypoint": f"sh -c {shlex.quote(line)}", "entrypoint_resources": {f"node:{self.ip}": SHARE},
            "runtime_env": {"working_dir": self.cluster.uri}, "metadata": {"job_name": "qvl-doctor"},
        }  # fmt: skip

    def _answer(self, job: str, seconds: float) -> JsonObject:
        deadline, ended = time.monotonic() + seconds, False
        while True:
            state = str(self.cluster.ask(f"/api/jobs/{job}").get("status"))
            late, found = state in FINAL and ended, self._message(job) if state != "PENDING" else None
            ended = state in FINAL  # its log may come a moment after its end
            if found is not None:
                if problem := found.get("problem"):
                    raise NodeError(one_line(str(problem), 300))
                return found
            if state in FINAL and late:
                raise NodeError(f"its job ended without an answer: {self._last_words(job)}")
            if time.monotonic() > deadline:
                self.held.append(job)
                raise NodeError(f"no answer within {seconds:.0f} seconds (the job is {state})")
            time.sleep(SLEEP)

    def _message(self, job: str) -> JsonObject | None:
        for line in self._logs(job).encode().splitlines():
            if MARK in line and (found := message_of(line)) is not None:
                return found
        return None

    def _last_words(self, job: str) -> str:
        said = self._logs(job).strip().splitlines()
        told = str(self.cluster.ask(f"/api/jobs/{job}").get("message") or "")
        return one_line(said[-1] if said else told, 200) or "no output"

    def _logs(self, job: str) -> str:
        """What it printed; nothing while the dashboard does not know yet where the job runs (status 500)."""
        try:
            return str(self.cluster.ask(f"/api/jobs/{job}/logs").get("logs") or "")
        except NodeError:
            return ""


def _token() -> dict[str, str]:
    """The token of a cluster that asks for one, as Ray's own client sends it."""
    token = os.environ.get("RAY_AUTH_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _ignored(piece: bytes) -> None:
    """Asks the client for the bodies of errors."""
