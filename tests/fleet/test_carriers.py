"""The ways to nodes: the words that reach kubectl and srun, ssh with a real server, and a Ray dashboard."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.fleet.carriers import CarrierError, by_kubectl, by_slurm, by_ssh, through
from doctor.fleet.ray_jobs import RayCluster
from tests.cli.running import answer, doctor
from tests.fleet.dashboard import Dashboard
from tests.fleet.servers import NoServerError, ssh_servers

LAUNCH = ("vllm", "serve", "m", "--nnodes", "2", "--master-addr", "10.9.9.9")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")

# as `kubectl get pods -o json` answers (1.31), cut to what is read and a little more
PODS = {"apiVersion": "v1", "kind": "List", "items": [
    {"kind": "Pod", "metadata": {"name": "vllm-1", "namespace": "serving", "labels": {"app": "vllm"}}, "status": {"phase": "Running"}},
    {"kind": "Pod", "metadata": {"name": "vllm-0", "namespace": "serving", "labels": {"app": "vllm"}}, "status": {"phase": "Running"}},
]}  # fmt: skip


def client(folder: Path, name: str, body: str) -> Path:
    """A stand-in for a client program that records its words and answers."""
    folder.mkdir(exist_ok=True)
    place = folder / name
    place.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {folder}/{name}.words\n{body}\n')
    place.chmod(0o755)
    return place


@LINUX
def test_pods_are_asked_through_kubectl_exec(tmp_path: Path) -> None:
    (tmp_path / "pods.json").write_text(json.dumps(PODS))
    (tmp_path / "site").mkdir()
    exec_ = 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"'
    client(tmp_path / "bin", "kubectl", f'case $1 in get) cat {tmp_path}/pods.json;; exec) {exec_};; esac')
    done = doctor("fleet", "check", "--kubectl", "serving/app=vllm", "--path", str(tmp_path / "site"), "--python-version", "3.11",
                  "--format", "json", "--", *LAUNCH, home=tmp_path, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")  # fmt: skip
    assert [(n["name"], n["status"]) for n in answer(done)["nodes"]] == [("vllm-0", "answered"), ("vllm-1", "answered")]
    words = (tmp_path / "bin/kubectl.words").read_text().splitlines()
    assert words[0] == "get pods -n serving -l app=vllm --field-selector=status.phase=Running -o json"
    assert sorted(w.partition(" -- ")[0] for w in words[1:] if w.startswith("exec")) == [
        "exec -i -n serving vllm-0", "exec -i -n serving vllm-1"]  # fmt: skip


@LINUX
def test_nodes_of_a_slurm_job_are_asked_through_srun(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    client(tmp_path / "bin", "squeue", "echo 'gpu[01-02]'")
    client(tmp_path / "bin", "scontrol", "printf 'gpu01\\ngpu02\\n'")
    client(tmp_path / "bin", "srun", 'while [ "$1" != sh ]; do shift; done; exec "$@"')
    done = doctor("fleet", "check", "--slurm", "4711", "--path", str(tmp_path / "site"), "--python-version", "3.11",
                  "--format", "json", "--", *LAUNCH, home=tmp_path, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")  # fmt: skip
    assert [(n["name"], n["status"]) for n in answer(done)["nodes"]] == [("gpu01", "answered"), ("gpu02", "answered")]
    assert (tmp_path / "bin/squeue.words").read_text() == "-h -j 4711 -o %N\n"
    assert (tmp_path / "bin/scontrol.words").read_text() == "show hostnames gpu[01-02]\n"
    began = [w.partition(" sh -c")[0] for w in (tmp_path / "bin/srun.words").read_text().splitlines() if w.startswith("--jobid")]
    assert sorted(began)[0] == "--jobid=4711 --overlap --nodes=1 --ntasks=1 --quiet --unbuffered --input=all --nodelist=gpu01"


def test_a_partition_is_asked_of_sinfo() -> None:
    asked = []

    def run(words: tuple[str, ...]) -> bytes:
        asked.append(words)
        return b"n[1-2]\n" if words[0] == "sinfo" else b"n1\nn2\n"

    found = by_slurm("gpus", run)  # type: ignore[arg-type]
    assert [p.name for p in found] == ["n1", "n2"] and "--partition=gpus" in found[0].words
    assert asked[0] == ("sinfo", "-h", "-p", "gpus", "-o", "%N")


@pytest.mark.parametrize("name", ["-oProxyCommand=id", "a b", "a;id", "$(id)", "", "a\nb", "`id`"])
def test_a_name_never_becomes_an_option_or_a_command(name: str) -> None:
    for carrier in (by_ssh, lambda names: through(names, "docker exec -i {}")):
        with pytest.raises(CarrierError):
            carrier([name])
    pods = json.dumps({"items": [{"metadata": {"name": name, "namespace": "a"}}]}).encode()
    with pytest.raises(CarrierError):
        by_kubectl("app=x", lambda _: pods)
    if not name.split() or len(name.split()) == 1:  # Slurm's names end at white space
        with pytest.raises(CarrierError):
            by_slurm("1", lambda words: b"n1" if words[0] == "squeue" else name.encode() or b" ")


def test_an_ssh_line_is_one_word_for_any_login_shell() -> None:
    (place,) = by_ssh(["user@host:2222"])
    words = place.command("echo $HOME; exit 1")
    assert words[:1] == ("ssh",) and words[-4:-1] == ("2222", "--", "user@host")
    assert shlex.split(words[-1]) == ["sh", "-c", "echo $HOME; exit 1"]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[int]]:
    """Three real OpenSSH servers on loopback."""
    try:
        with ssh_servers(tmp_path, [None] * 3) as ports:
            yield ports
    except NoServerError as error:
        pytest.skip(str(error))


@LINUX
def test_nodes_behind_real_ssh_servers_and_one_that_is_down(servers: list[int], tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    hosts = [*(f"127.0.0.1:{port}" for port in servers), "127.0.0.1:1"]
    done = doctor("fleet", "check", "--hosts", ",".join(hosts), "--path", str(tmp_path / "site"), "--python-version", "3.11",
                  "--format", "json", "--", *LAUNCH, home=tmp_path, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")  # fmt: skip
    rows = answer(done)["nodes"]
    assert [r["status"] for r in rows] == ["answered"] * 3 + ["open"]
    assert "refused" in rows[3]["reason"]


@LINUX
@pytest.mark.parametrize("moment", [0.6, 2.0, 3.5])
def test_kill_9_of_the_coordinator_ends_what_ssh_started(servers: list[int], tmp_path: Path, moment: float) -> None:
    site = tmp_path / "site"
    site.mkdir()
    hosts = ",".join(f"127.0.0.1:{port}" for port in servers)
    environ = {**os.environ, "HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen([sys.executable, "-m", "doctor", "fleet", "check", "--hosts", hosts, "--path", str(site), "--python-version",
                              "3.11", "--", *LAUNCH], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    time.sleep(moment)
    child.kill()
    child.wait()
    deadline = time.monotonic() + 8
    while (found := _naming(str(site))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not found


def _naming(word: str) -> list[str]:
    """Processes with a word in their command line."""
    out = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if word in line:
            out.append(line[:200])
    return out


@LINUX
def test_ray_is_the_default_where_its_address_is_set(board: Dashboard, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    done = doctor("fleet", "check", "--path", str(tmp_path / "site"), "--python-version", "3.11", "--format", "json", "--", *LAUNCH,
                  home=tmp_path, NO_PROXY="127.0.0.1", RAY_ADDRESS=board.address)  # fmt: skip
    assert [n["status"] for n in answer(done)["nodes"]] == ["answered", "answered"]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Dashboard]:
    found = Dashboard(tmp_path, [("127.0.0.2", False, "ALIVE"), ("127.0.0.1", True, "ALIVE"), ("127.0.0.9", False, "DEAD")])
    yield found
    found.close()


@LINUX
def test_a_ray_cluster_is_asked_by_jobs_and_nothing_is_left(board: Dashboard, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    done = doctor("fleet", "check", "--ray", board.address, "--path", str(tmp_path / "site"), "--python-version", "3.11",
                  "--format", "json", "--", *LAUNCH, home=tmp_path, NO_PROXY="127.0.0.1")  # fmt: skip
    told = answer(done)
    assert [(n["name"], n["status"]) for n in told["nodes"]] == [("127.0.0.1", "answered"), ("127.0.0.2", "answered")]
    jobs = [data for method, path, data in board.asked if (method, path) == ("POST", "/api/jobs/")]
    assert {tuple(j["entrypoint_resources"]) for j in jobs} == {("node:127.0.0.1",), ("node:127.0.0.2",)}
    assert all("RAY" not in json.dumps(j.get("runtime_env", {}).get("env_vars", {})) for j in jobs)
    assert len([1 for method, *_ in board.asked if method == "PUT"]) == 1, "the file goes there once"
    assert {r["code"]: r["status"] for r in told["results"]}["NET021"] in ("pass", "fail")
    deadline = time.monotonic() + 5
    while any(job.poll() is None for job in board.jobs.values()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert all(job.poll() is not None for job in board.jobs.values())


@pytest.mark.parametrize(
    ("address", "said"), [("ftp://x", "not the address of a Ray dashboard"), ("http://127.0.0.1:1", "127.0.0.1:1")]
)
def test_a_cluster_that_does_not_answer_is_one_sentence(address: str, said: str) -> None:
    with pytest.raises(CarrierError, match=said):
        RayCluster.at(address, b"").places()
