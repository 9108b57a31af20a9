"""What `fleet check` foretells against what a real all-reduce does: three hosts as network namespaces on this machine.

    sudo python benchmarks/fleet_lab.py --torch VENV/bin/python [--only WORD] [--json FILE]

Each host has a network namespace, a name and an `/etc/hosts` of its own. A scenario changes something, `fleet check` is
asked through `ip netns exec`, then three ranks of torch.distributed (Gloo, CPU) really do an all-reduce. A row is right
where the answer about each rank is what became of it. Needs root, `ip` of iproute2, `nft`, and a Python with torch.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RANKS = range(3)
ALL_REDUCE = """
import datetime, os, sys, torch, torch.distributed as dist
rank, world, where = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
try:
    dist.init_process_group("gloo", init_method=f"tcp://{where}", rank=rank, world_size=world,
                            timeout=datetime.timedelta(seconds=8))
    x = torch.full((200000,), float(rank + 1))
    dist.all_reduce(x)
    fine = x[0].item() == world * (world + 1) / 2
    print("OK" if fine else "WRONG", flush=True)
except BaseException as error:
    fine = False
    print(f"{type(error).__name__}: {str(error)[-160:]}", flush=True)
os._exit(not fine)
"""


@dataclass
class Scenario:
    """`net` is the first three numbers of the addresses, or an IPv6 prefix. `env` are variables by rank, `names` what
    a rank's own name resolves to there (None: nothing), `before` are commands, `dead` ranks do not exist.

    `lines` of shell run first on a rank, `versions` are torch's there, `shard` is the rank with another model file.
    `after` are commands, too; `master` is the address where the ranks meet.
    """

    name: str
    net: str = "10.77.0"
    env: dict[int, dict[str, str]] = field(default_factory=dict)
    names: dict[int, str | None] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    dead: tuple[int, ...] = ()
    lines: dict[int, str] = field(default_factory=dict)
    versions: dict[int, str] = field(default_factory=dict)
    shard: int | None = None
    master: str | None = None

    def address(self, rank: int) -> str:
        """The address of a rank's interface."""
        return f"{self.net}.1{rank}" if "." in self.net else f"{self.net}::1{rank}"


GLOO = "GLOO_SOCKET_IFNAME"
FIREWALL = (
    "ip netns exec lh0 nft 'add table inet lab; add chain inet lab in {{ type filter hook input priority 0; }}; {}'"
)
DROP = "add rule inet lab in tcp dport {} drop"
CLEAR = "ip netns exec lh0 nft delete table inet lab"
SCENARIOS = (
    Scenario("all well"),
    Scenario("all well, 192.168", net="192.168.77"),
    Scenario("an interface that does not exist on one rank", env={2: {GLOO: "eth9"}}),
    Scenario("a prefix where Gloo takes exact names", env={key: {GLOO: "eth"} for key in RANKS}),
    Scenario("lo on all ranks", env={key: {GLOO: "lo"} for key in RANKS}),
    Scenario("lo on one rank, low addresses", env={1: {GLOO: "lo"}}),
    Scenario("lo on one rank, high addresses", net="192.168.77", env={1: {GLOO: "lo"}}),
    Scenario("own name on 127.0.1.1, low addresses", names={1: "127.0.1.1"}),
    Scenario("own name on 127.0.1.1, high addresses", net="192.168.77", names={1: "127.0.1.1"}),
    Scenario("own name on 127.0.1.1 on two ranks", names={1: "127.0.1.1", 2: "127.0.1.1"}),
    Scenario("own name on 127.0.1.1, interface named", net="192.168.77", names={1: "127.0.1.1"},
             env={key: {GLOO: "eth0"} for key in RANKS}),
    Scenario("own name unknown", net="192.168.77", names={2: None}),
    Scenario("the meeting port is blocked",
             before=(FIREWALL.format(DROP.format("29501")),), after=(CLEAR,)),
    Scenario("all other ports are blocked",
             before=(FIREWALL.format(DROP.format("30000-65535")),), after=(CLEAR,)),
    Scenario("one pair has no route", before=("ip -n lh1 route add blackhole 10.77.0.12/32",)),
    Scenario("one rank in another network", before=("ip -n lh1 addr flush dev eth0 scope global",
                                                    "ip -n lh1 addr add 10.78.0.11/24 dev eth0")),
    Scenario("MTU 9000 on one rank", before=("ip -n lh1 link set eth0 mtu 9000",)),
    Scenario("a rank is dead", dead=(2,)),
    Scenario("a slow rank", lines={1: "sleep 3"}),
    Scenario("IPv6 only", net="fd77"),
    Scenario("IPv6, one own name in IPv4", net="fd77", names={1: "127.0.1.1"}),
    Scenario("all ports are blocked with a reset", before=(FIREWALL.format(
        "add rule inet lab in tcp dport 20000-65535 reject with tcp reset"),), after=(CLEAR,)),
    Scenario("the meeting address is of rank 1", master="10.77.0.11"),
    Scenario("the meeting address is localhost", master="127.0.0.1"),
    Scenario("64 KiB of locked memory on one rank", lines={1: "ulimit -l 64"}),
    Scenario("another torch on one rank", versions={2: "2.13.0"}),
    Scenario("another shard on one rank", shard=1),
)  # fmt: skip


class Lab:
    """Three namespaces on a bridge; they are gone when the block ends."""

    def __init__(self, folder: Path, python: str) -> None:
        self.folder, self.python = folder, python
        (folder / "all_reduce.py").write_text(ALL_REDUCE)
        self.through = folder / "through"
        self.through.write_text(f"#!/bin/sh\nr=${{1#lh}}\nshift\n. {folder}/env.$r\nexec {folder}/on $r \"$@\"\n")
        on = folder / "on"
        on.write_text(
            "#!/bin/sh\nr=$1\nshift\n"
            f'ip netns exec lh$r true || exit 255\nexec ip netns exec lh$r unshare -mu sh -c \''
            f"hostname lh$1; mount --bind {folder}/hosts.$1 /etc/hosts; mount --bind {folder}/site.$1 {folder}/site; "
            f"mount --bind {folder}/model.$1 {folder}/model; shift; exec \"$@\"' x $r \"$@\"\n"
        )
        for place in (self.through, on):
            place.chmod(0o755)

    def __enter__(self) -> Lab:
        self.close()
        run("ip link add lbr type bridge", "ip link set lbr up")
        for rank in RANKS:
            run(f"ip netns add lh{rank}", f"ip link add lv{rank} type veth peer name eth0 netns lh{rank}",
                f"ip link set lv{rank} master lbr up", f"ip -n lh{rank} link set lo up",
                f"ip -n lh{rank} link set eth0 up")  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Takes the namespaces away."""
        for line in (*(f"ip netns del lh{rank}" for rank in RANKS), "ip link del lbr"):
            subprocess.run(line, shell=True, stderr=subprocess.DEVNULL)

    def prepare(self, one: Scenario) -> None:
        """Addresses, names, variables, versions and the model of each host."""
        for name in ("site", "model"):
            (self.folder / name).mkdir(exist_ok=True)
        for rank in RANKS:
            self._host(one, rank)
        run(*one.before)

    def _host(self, one: Scenario, rank: int) -> None:
        length, more = (24, "") if "." in one.net else (64, " nodad")
        run(f"ip -n lh{rank} link set eth0 mtu 1500", f"ip -n lh{rank} route flush type blackhole",
            f"ip -n lh{rank} addr flush dev eth0",
            f"ip -n lh{rank} addr add {one.address(rank)}/{length} dev eth0{more}")  # fmt: skip
        own = one.names.get(rank, one.address(rank))
        lines = ["127.0.0.1 localhost", *(f"{one.address(r)} lh{r}" for r in RANKS if r != rank)]
        (self.folder / f"hosts.{rank}").write_text("\n".join([*lines, *([f"{own} lh{rank}"] if own else [])]) + "\n")
        words = [f"export {n}={v}" for n, v in one.env.get(rank, {}).items()]
        words += [one.lines[rank]] if rank in one.lines else []
        (self.folder / f"env.{rank}").write_text("\n".join(words) + "\n")
        site = self.folder / f"site.{rank}"
        for name, version in (("vllm", "0.33.0"), ("torch", one.versions.get(rank, "2.14.0"))):
            subprocess.run(f"rm -rf {site}/{name}-*", shell=True)
            (site / f"{name}-{version}.dist-info").mkdir(parents=True, exist_ok=True)
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n"
            (site / f"{name}-{version}.dist-info" / "METADATA").write_text(text)
        model(self.folder / f"model.{rank}", larger=one.shard == rank)

    def foretold(self, one: Scenario) -> dict[str, Any]:
        """The answer of `fleet check`."""
        hosts = ",".join("gone" if r in one.dead else f"lh{r}" for r in RANKS)
        done = subprocess.run(
            [sys.executable, "-m", "doctor", "fleet", "check", "--hosts", hosts, "--through", str(self.through),
             "--path", str(self.folder / "site"), "--python-version", "3.11", "--format", "json", "--", "vllm", "serve",
             str(self.folder / "model"), "--nnodes", "3", "--master-addr", one.master or one.address(0)],
            capture_output=True, text=True, cwd=ROOT, timeout=300,
        )  # fmt: skip
        if not done.stdout:
            raise SystemExit(done.stderr)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def happened(self, one: Scenario) -> list[str]:
        """What became of each rank: `OK`, or how it failed."""
        address = one.master or one.address(0)
        where = f"[{address}]:29501" if ":" in address else f"{address}:29501"
        started = [
            subprocess.Popen(
                [str(self.through), f"lh{r}", self.python, str(self.folder / "all_reduce.py"), str(r), "3", where],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            )
            for r in RANKS if r not in one.dead
        ]  # fmt: skip
        said = [_ended(child) for child in started]
        for rank in one.dead:
            said.insert(rank, "dead")
        return said


def model(folder: Path, *, larger: bool) -> None:
    """A small checkpoint: a configuration and one file of weights with a real header."""
    folder.mkdir(exist_ok=True)
    config = {"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "hidden_size": 64}
    (folder / "config.json").write_text(json.dumps(config))
    size = 4096 + 1024 * larger
    header = json.dumps({"w": {"dtype": "F16", "shape": [size // 2], "data_offsets": [0, size]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))


def run(*lines: str) -> None:
    """Each line by the shell."""
    for line in lines:
        subprocess.run(line, shell=True, check=True)


def _ended(child: subprocess.Popen[str]) -> str:
    try:
        return (child.communicate(timeout=60)[0].strip().splitlines() or ["no output"])[-1]
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return "silence"


def rows(lab: Lab, only: str) -> Iterator[dict[str, Any]]:
    """A row for each scenario."""
    for one in SCENARIOS:
        if not re.search(only, one.name):
            continue
        lab.prepare(one)
        try:
            answer, real = lab.foretold(one), lab.happened(one)
        finally:
            for line in one.after:
                subprocess.run(line, shell=True)
        ranks = [n["comes_up"] for n in answer["nodes"]]
        every = [*answer["findings"], *(f for k in answer["kinds"] for f in k["findings"])]
        codes = sorted({f["code"] for f in every if f["code"].startswith("NET")})
        right = [told is (said == "OK") for told, said in zip(ranks, real, strict=True)]
        yield {"name": one.name, "foretold": ranks, "real": real, "codes": codes, "right": all(right)}


def main() -> int:
    """Prints a line for each scenario, and how many were foretold on every rank."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--torch", required=True, help="a Python that has torch")
    parser.add_argument("--only", default="", help="scenarios whose name this pattern finds")
    parser.add_argument("--json", help="write the rows to this file")
    asked = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder), asked.torch) as lab:
        for row in rows(lab, asked.only):
            found.append(row)
            mark = "right" if row["right"] else "WRONG"
            real = [r[:60] for r in row["real"]]
            print(f"{mark} {row['name']}: foretold {row['foretold']}, real {real} {row['codes']}", flush=True)
    if asked.json:
        Path(asked.json).write_text(json.dumps(found, indent=1))
    print(f"{sum(r['right'] for r in found)} of {len(found)} foretold on every rank")
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
