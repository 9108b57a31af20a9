"""The numbers among the facts that change from one moment to the next, though nobody changed the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar
from zlib import crc32

from doctor.base.reading import Addresses, Bounds, Reading, marks
from doctor.facts import Facts, Gpu, Host, Network
from doctor.facts.gpu import Device

Change = Callable[[str, int], int]
T = TypeVar("T")


def changed(facts: Facts, change: Change) -> Facts:
    """The facts with each such number replaced by what `change` makes of its place and value; without the clock."""
    host, gpu, network = facts.host, facts.gpu, facts.network
    return replace(
        facts,
        host=_host(host, change) if isinstance(host, Host) else host,
        gpu=_gpu(gpu, change) if isinstance(gpu, Gpu) else gpu,
        network=replace(network, clock=None) if isinstance(network, Network) else network,  # nodes are compared by it
    )


def _fields(one: T, place: str, change: Change, *names: str) -> T:
    values = {name: getattr(one, name) for name in names}
    return replace(one, **{n: change(f"{place}.{n}", v) for n, v in values.items() if v is not None})  # type: ignore[type-var]


def _host(host: Host, change: Change) -> Host:
    cgroup = None if host.cgroup is None else _fields(host.cgroup, "cgroup", change, "memory_used")
    disks = tuple(_fields(disk, f"disk {disk.use}", change, "free") for disk in host.disks)
    return replace(
        _fields(host, "host", change, "memory_available", "swap_free", "shm_free"), cgroup=cgroup, disks=disks
    )


def _gpu(gpu: Gpu, change: Change) -> Gpu:
    return replace(gpu, devices=tuple(_device(d, f"gpu {d.index}", change) for d in gpu.devices))


def _device(device: Device, place: str, change: Change) -> Device:
    mig = tuple(_fields(m, f"{place} mig {n}", change, "memory_free") for n, m in enumerate(device.mig))
    processes = device.processes and tuple(
        _fields(p, f"{place} process {p.pid}", change, "memory_used") for p in device.processes
    )
    return replace(_fields(device, place, change, "memory_free"), mig=mig, processes=processes)


def readings(facts: Facts) -> tuple[Facts, dict[str, int]]:
    """The facts that last, with 0 for each number of the moment, and these numbers."""
    now: dict[str, int] = {}

    def taken(place: str, value: int) -> int:
        now[place] = value
        return 0

    lasting = changed(facts, taken)
    if isinstance(lasting.host, Host):
        now.update(marks(lasting.host.listening))
        lasting = replace(lasting, host=replace(lasting.host, listening=()))
    if isinstance(lasting.network, Network):
        now["network"] = _mark(lasting.network)
        lasting = replace(lasting, network=Network())
    return lasting, now


def noted(facts: Facts, log: dict[str, Bounds]) -> Facts:
    """The facts whose numbers of the moment note in `log` what is made of them."""
    out = changed(facts, lambda place, value: Reading.noted(value, log, place))
    if isinstance(out.host, Host):
        out = replace(out, host=replace(out.host, listening=Addresses.noted(out.host.listening, log)))
    return replace(out, network=_Noted.of(out.network, log)) if isinstance(out.network, Network) else out


class _Noted(Network):
    """A network that notes in `log` that somebody looked at it: containers come and go, and most launches need none."""

    @classmethod
    def of(cls, network: Network, log: dict[str, Bounds]) -> _Noted:
        made = object.__new__(cls)
        for field in fields(network):
            object.__setattr__(made, field.name, getattr(network, field.name))
        object.__setattr__(made, "_log", (log, _mark(network)))
        return made

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("__"):
            log, mark = object.__getattribute__(self, "_log")
            log["network"] = (mark, mark)
        return object.__getattribute__(self, name)


def _mark(network: Network) -> int:
    return crc32(repr(network).encode("utf-8", "surrogateescape"))
