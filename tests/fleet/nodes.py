"""Machines for the tests: facts of a node with a launch on several, and nodes that are shells on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from doctor.derived.digest import digest_of
from doctor.derived.fleet import Fleet, Member
from doctor.facts import Facts
from doctor.facts.codec import facts_from_json
from doctor.facts.node import Tried

LOOP = {"name": "lo", "up": True, "loopback": True, "mtu": 65536, "addresses": ["127.0.0.1/8"]}
GPU = {"index": 0, "name": "NVIDIA H100 80GB HBM3", "capability": [9, 0], "memory_total": 85520809984}


def saved(rank: int = 0, net: str = "10.0.0", **changes: Any) -> dict[str, Any]:
    """The facts of a healthy node as they are saved; `changes` replace what they name."""
    address = f"{net}.{rank + 1}"
    argv = ["vllm", "serve", "/models/m", "--nnodes", "2", "--node-rank", str(rank), "--master-addr", f"{net}.1",
            "--tensor-parallel-size", "16"]  # fmt: skip
    versions = {"vllm": "0.12.0", "torch": "2.9.0", "ray": "2.50.0", "nvidia-nccl-cu12": "2.27.5", **changes.get("versions", {})}
    installed = [
        {"name": n, "key": n, "version": v, "location": "/venv", "metadata_path": f"/venv/{n}"} for n, v in versions.items() if v
    ]
    return {
        "schema": 1,
        "target": {"kind": "installed", "why": "test", "python": changes.get("python", "3.12.4")},
        "distributions": {"installed": installed},
        "launch": {"argv": argv, "engine": "vllm", "program": "vllm", "subcommand": ["serve"], "arguments": argv[2:],
                   "environ": changes.get("environ", {})},
        "gpu": {"devices": [{**GPU, "index": i, **changes.get("card", {})} for i in range(changes.get("cards", 8))],
                "driver_version": changes.get("driver", "570.124.06")},
        "host": {"system": "linux", "memory_total": 1 << 40, "listening": [f"{address}:22"],
                 "memory_available": (1 << 39) + rank * 4096},
        "network": {"name": changes.get("host", f"n{rank}"), "own": changes.get("own", [address]),
                    "interfaces": [LOOP, {"name": "eth0", "up": True, "mtu": changes.get("mtu", 1500),
                                          "addresses": [f"{changes.get('address', address)}/24"]}],
                    "named": {f"{net}.1": [f"{net}.1"]}, "clock": 1000.0 + rank},
        "model": {"path": "/models/m", "architectures": ["LlamaForCausalLM"], "config": {"hidden_size": 64},
                  "weights": {"format": "safetensors", "total": 1000,
                              "files": [{"name": "a.safetensors", "size": changes.get("shard", 1000)}]}},
    }  # fmt: skip


def facts(rank: int = 0, **changes: Any) -> Facts:
    """The same as a value."""
    return facts_from_json(saved(rank, **changes))


def member(rank: int, tried: tuple[Tried, ...] = (), skew: float | None = 0.0, **changes: Any) -> Member:
    """A node that answered."""
    found = facts(rank, **changes)
    return Member(f"n{rank}", rank, digest_of(found), found, None, True, tried, skew)


def fleet(*members: Member) -> Fleet:
    """Nodes together."""
    return Fleet(members)


def write(folder: Path, *rows: dict[str, Any]) -> list[str]:
    """Saved facts as files, and their paths."""
    out = []
    for rank, row in enumerate(rows):
        place = folder / f"n{rank}.json"
        place.write_text(json.dumps(row), encoding="utf-8")
        out.append(str(place))
    return out
