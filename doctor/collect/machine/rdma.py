"""InfiniBand and RoCE ports with their GID tables, as /sys/class/infiniband has them."""

from __future__ import annotations

from doctor.base.files import Files
from doctor.base.text import one_line
from doctor.facts.network import Gid, RdmaPort

FOLDER = "/sys/class/infiniband"
MOST_DEVICES, MOST_GIDS = 32, 256
EMPTY = "0000:0000:0000:0000:0000:0000:0000:0000"


def rdma_ports(tree: Files) -> tuple[RdmaPort, ...]:
    """Every port of every device; none on a machine without such devices."""
    return tuple(
        _port(tree, device, int(port))
        for device in tree.few_names(FOLDER, MOST_DEVICES)
        for port in tree.few_names(f"{FOLDER}/{device}/ports", 4)
        if port.isdigit()
    )


def _port(tree: Files, device: str, port: int) -> RdmaPort:
    folder = f"{FOLDER}/{device}/ports/{port}"
    state, link = _line(tree, f"{folder}/state"), _line(tree, f"{folder}/link_layer")
    indices = sorted(int(n) for n in tree.few_names(f"{folder}/gids", MOST_GIDS) if n.isdigit())
    gids = [g for index in indices if (g := _gid(tree, folder, index)) is not None]
    names = (_line(tree, f"{folder}/gid_attrs/ndevs/{g.index}") for g in gids)
    interface = next(filter(None, names), None)
    return RdmaPort(one_line(device, 32), port, "ACTIVE" in (state or ""), link, interface, tuple(gids))


def _gid(tree: Files, folder: str, index: int) -> Gid | None:
    """An entry, None where it is empty."""
    address = _line(tree, f"{folder}/gids/{index}")
    if not address or address == EMPTY:
        return None
    return Gid(index, address, _line(tree, f"{folder}/gid_attrs/types/{index}"))


def _line(tree: Files, path: str) -> str | None:
    return one_line((tree.first_text(path, 128) or "").strip(), 64) or None
