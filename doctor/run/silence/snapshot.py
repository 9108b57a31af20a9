"""Two looks at the processes of a server, a moment apart, and what they mean in one sentence."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import field

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.collect.machine.descriptors import CONNECTING, LISTENING, descriptors
from doctor.report.run.units import size
from doctor.run.silence.sockets import Socket, sockets
from doctor.run.silence.stacks import stack_of
from doctor.run.watch.proc import command_of, title_of
from doctor.run.watch.sysroot import read_file

COMPILERS = ("nvcc", "cicc", "ptxas", "ninja", "cc1plus", "g++", "gcc", "clang", "hipcc", "cudafe++", "nvlink")
PARTIAL = (".incomplete", ".part", ".tmp", ".downloading", "._____temp")
BUSY = 0.5  # of one core
READING = 5 << 20  # bytes a second
MOST = 400  # processes that are looked at


@dataclass
class Snapshot:
    """What the kernel tells of the processes at one moment."""

    at: float
    titles: dict[int, str] = field(default_factory=dict)
    spent: dict[int, float] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    states: dict[int, str] = field(default_factory=dict)
    waits: dict[int, str] = field(default_factory=dict)
    downloads: dict[str, int] = field(default_factory=dict)


def waits_for(pids: Sequence[int], seconds: float) -> str:
    """What these processes do or wait for; takes `seconds` and a little more."""
    pids = pids[:MOST]
    before = snapshot(pids)
    time.sleep(seconds)
    after = snapshot(pids)
    parts = [_download(before, after), _compile(after), _connect(sockets(pids), after), _disk(before, after)]
    found = [part for part in parts if part]
    if not found:
        found.append(_busy(before, after) or _asleep(after))
    if (stack := stack_of(_deepest(before, after))) is not None:
        found.append(stack)
    return "; ".join(found)


def snapshot(pids: Sequence[int]) -> Snapshot:
    """One look; a process that has gone or may not be read is left out."""
    out = Snapshot(time.monotonic())
    tick = os.sysconf("SC_CLK_TCK")
    for pid in pids:
        fields = (read_file(f"/proc/{pid}/stat", 4096) or "").rpartition(")")[2].split()
        if len(fields) < 13:
            continue
        out.titles[pid] = one_line(title_of(pid) or "?", 40)
        out.states[pid] = fields[0]
        out.spent[pid] = (int(fields[11]) + int(fields[12])) / tick
        out.waits[pid] = (read_file(f"/proc/{pid}/wchan", 64) or "").strip("\0 \n0")
        out.read[pid] = _read_bytes(pid)
        out.downloads |= _partial(pid)
    return out


def _read_bytes(pid: int) -> int:
    for line in (read_file(f"/proc/{pid}/io", 1024) or "").splitlines():
        if line.startswith("read_bytes:"):
            return int(line.split()[1])
    return 0


def _partial(pid: int) -> dict[str, int]:
    """The files that the process has open and whose names say that they are not whole, with their sizes."""
    out: dict[str, int] = {}
    with contextlib.suppress(OSError):
        for descriptor, path in descriptors(pid, 2000):
            if path.endswith(PARTIAL):
                with contextlib.suppress(OSError):
                    out[path] = os.stat(descriptor).st_size  # noqa: PTH116
    return out


def _download(before: Snapshot, after: Snapshot) -> str | None:
    if not after.downloads:
        return None
    seconds = max(after.at - before.at, 0.1)
    grown = sum(max(0, n - before.downloads.get(path, n)) for path, n in after.downloads.items())
    total = size(sum(after.downloads.values()))
    many = f"{len(after.downloads)} files" if len(after.downloads) > 1 else "a file"
    if grown:
        return f"it downloads {many}, {total} so far, {size(int(grown / seconds))}/s"
    name = one_line(next(iter(after.downloads)), 160)
    return f"the download of {many} stands still at {total} (`{name}`): look at the network, the proxy, or HF_ENDPOINT"


def _compile(after: Snapshot) -> str | None:
    running = [t for t in after.titles.values() if t in COMPILERS]
    named = ", ".join(dict.fromkeys(running))
    return f"it compiles code ({named}), which is kept for the next start" if running else None


def _connect(found: Sequence[Socket], after: Snapshot) -> str | None:
    """Who tries to reach somebody, and who listens where nobody else can come."""
    for one in found:
        if one.state == CONNECTING:
            who = f"process {one.pid} ({after.titles.get(one.pid, '?')})"
            return f"{who} tries to connect to {one.remote}, which does not answer: a firewall, or nobody listens there"
    local = [one for one in found if one.state == LISTENING and one.local.startswith("127.") and _of_many(one.pid)]
    if local:
        who = f"process {local[0].pid} ({after.titles.get(local[0].pid, '?')})"
        why = "this host's own name leads to a loopback address"
        return f"{who} listens on {local[0].local}, which no other node can reach: {why}"
    return None


def _of_many(pid: int) -> bool:
    """Whether the command is one of several nodes."""
    words = command_of(pid)
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in ("--nnodes", "--num-nodes"):
            value = value if equals else next(iter(words[at + 1 : at + 2]), "")
            return value.isdigit() and int(value) > 1
    return False


def _disk(before: Snapshot, after: Snapshot) -> str | None:
    seconds = max(after.at - before.at, 0.1)
    grown = sum(max(0, n - before.read.get(pid, n)) for pid, n in after.read.items()) / seconds
    return f"it reads files, {size(int(grown))}/s" if grown > READING else None


def _shares(before: Snapshot, after: Snapshot) -> dict[int, float]:
    seconds = max(after.at - before.at, 0.1)
    return {pid: (spent - before.spent.get(pid, spent)) / seconds for pid, spent in after.spent.items()}


def _busy(before: Snapshot, after: Snapshot) -> str | None:
    shares = _shares(before, after)
    pid = max(shares, key=lambda p: shares[p], default=None)
    if pid is not None and shares[pid] >= BUSY:
        return f"it computes: process {pid} ({after.titles[pid]}) uses {shares[pid]:.1f} cores"
    ready = next((p for p, state in after.states.items() if state == before.states.get(p) == "R"), None)
    if ready is None:
        return None
    return f"it computes: process {ready} ({after.titles[ready]}), which gets {shares.get(ready, 0):.1f} of a core"


def _asleep(after: Snapshot) -> str:
    stuck = [pid for pid, state in after.states.items() if state == "D"]
    if stuck:
        where = after.waits.get(stuck[0]) or "the kernel"
        return f"process {stuck[0]} ({after.titles[stuck[0]]}) waits for a disk or a device (in `{where}`)"
    places = sorted({w for w in after.waits.values() if w})
    shown = f" (in {', '.join(f'`{p}`' for p in places[:3])})" if places else ""
    if len(after.states) == 1:
        return f"its one process sleeps{shown}"
    return f"all of its {len(after.states)} processes sleep{shown}: they wait for each other, or for a request"


def _deepest(before: Snapshot, after: Snapshot) -> int | None:
    """The process to ask for its stack: the busiest of those that run Python, else the last one that was started."""
    shares = _shares(before, after)
    python = [pid for pid, title in after.titles.items() if title not in COMPILERS]
    return max(python, key=lambda p: (round(shares.get(p, 0), 1), p), default=None)
