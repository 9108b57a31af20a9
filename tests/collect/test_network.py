"""Network facts: what the kernel, /etc/hosts and the resolver say, and what they do not."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from doctor.base.files import Files
from doctor.collect.machine import netlink, resolving
from doctor.collect.machine.network import collect_network
from doctor.collect.machine.rdma import rdma_ports
from doctor.facts import Network, Unavailable
from tests.cli.running import answer, distribution, doctor, found, lay_out

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")


@LINUX
def test_interfaces_are_those_that_the_kernel_lists() -> None:
    seen = {i.name: i for i in netlink.interfaces() or ()}
    assert set(seen) == {name for _, name in socket.if_nameindex()}
    assert seen["lo"].loopback and "127.0.0.1/8" in seen["lo"].addresses
    if shutil.which("ip"):
        told = json.loads(subprocess.run(["ip", "-j", "address"], capture_output=True, check=True).stdout)
        for one in told:
            wanted = [f"{a['local']}/{a['prefixlen']}" for a in one["addr_info"]]
            assert sorted(seen[one["ifname"]].addresses) == sorted(wanted)
            assert seen[one["ifname"]].mtu == one["mtu"]


@LINUX
def test_a_namespace_shows_its_own_interfaces_without_a_mounted_sys() -> None:
    code = "from doctor.collect.machine.netlink import interfaces; print([i.name for i in interfaces()])"
    there = subprocess.run(["unshare", "-rn", sys.executable, "-c", code], capture_output=True, text=True)
    if there.returncode and "unshare" in there.stderr:
        pytest.skip("no namespaces here")
    assert there.stdout.strip() == "['lo']", there.stderr


def test_a_system_without_netlink_has_no_interfaces_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_NETLINK", raising=False)
    assert netlink.interfaces() is None
    monkeypatch.setattr(sys, "platform", "win32")
    assert isinstance(collect_network(), Unavailable)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isinstance(collect_network(), Unavailable)


def test_another_root_has_no_network_of_its_own(tmp_path: Path) -> None:
    assert isinstance(collect_network(str(tmp_path)), Unavailable)


def test_names_come_from_the_hosts_file_first(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 n1 # Debian\n10.0.0.1 Head head.lan\nx y\n")
    tree = Files(str(tmp_path))
    said = resolving.resolved(tree, ["n1", "head", "10.0.0.9", "nobody"], ask=False)
    assert said["n1"].addresses == ("127.0.1.1",)
    assert said["head"].addresses == ("10.0.0.1",)
    assert said["10.0.0.9"].addresses == ("10.0.0.9",)
    assert said["nobody"].addresses is None and said["nobody"].why


def test_a_silent_name_server_costs_seconds_not_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*args: Any, **kwargs: Any) -> Any:
        time.sleep(30)

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    monkeypatch.setattr(resolving, "SECONDS", 0.2)
    begun = time.monotonic()
    said = resolving.resolved(Files(None), ["a.invalid", "b.invalid"], ask=True)
    assert time.monotonic() - begun < 5
    assert "no answer" in (said["a.invalid"].why or "")


def test_ports_of_an_rdma_device_with_their_gids(tmp_path: Path) -> None:
    port = tmp_path / "sys/class/infiniband/mlx5_0/ports/1"
    for name, text in {
        "state": "4: ACTIVE\n", "link_layer": "Ethernet\n", "gids/0": "fe80:0000:0000:0000:0000:0000:0000:0001\n",
        "gids/1": "0000:0000:0000:0000:0000:0000:0000:0000\n", "gids/3": "0000:0000:0000:0000:0000:ffff:0a00:0001\n",
        "gid_attrs/types/0": "IB/RoCE v1\n", "gid_attrs/types/3": "RoCE v2\n", "gid_attrs/ndevs/3": "eth1\n",
    }.items():  # fmt: skip
        (port / name).parent.mkdir(parents=True, exist_ok=True)
        (port / name).write_text(text)
    (found_port,) = rdma_ports(Files(str(tmp_path)))
    assert (found_port.device, found_port.active, found_port.link, found_port.interface) == ("mlx5_0", True, "Ethernet", "eth1")
    assert [(g.index, g.kind) for g in found_port.gids] == [(0, "IB/RoCE v1"), (3, "RoCE v2")]


@LINUX
def test_this_machine_says_its_name_and_limits() -> None:
    network = collect_network()
    assert isinstance(network, Network)
    assert network.name == socket.gethostname()
    assert network.locked_memory is not None and network.ports is not None and network.clock


@LINUX
@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_lo_in_a_launch_of_two_nodes_is_an_error_and_on_one_it_is_not(tmp_path: Path, engine: str) -> None:
    release = {"vllm": "0.12.0", "sglang": "0.5.3"}[engine]
    site = lay_out(tmp_path / "site", distribution(engine, release, {}))
    command = {
        "vllm": ["vllm", "serve", "m", "--master-addr", "10.1.2.3"],
        "sglang": ["python3", "-m", "sglang.launch_server", "--model-path", "m", "--dist-init-addr", "10.1.2.3:20000"],
    }[engine]
    for nodes, many in (("2", 1), ("1", 0)):
        words = ["env", "GLOO_SOCKET_IFNAME=lo", *command, "--nnodes", nodes, "--node-rank", "0"]
        done = doctor("check", "--path", str(site), "--python-version", "3.11", "--offline", "--format", "json", "--", *words, home=tmp_path)
        assert len(found(answer(done), "NET002")) == many, done.stdout[:2000]
        assert not found(answer(done), "NET001")
