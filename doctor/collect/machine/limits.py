"""Memory, control groups and process limits, as /proc and /sys write them."""

from __future__ import annotations

from doctor.base.files import Files
from doctor.facts.host import Cgroup

NO_LIMIT = 1 << 60
MAX_DEPTH = 32


def meminfo(tree: Files) -> dict[str, int]:
    """/proc/meminfo in bytes."""
    lines = (tree.first_text("/proc/meminfo") or "").splitlines()
    return {w[0].rstrip(":"): int(w[1]) * 1024 for line in lines if len(w := line.split()) > 1 and w[1].isdigit()}


def open_files(tree: Files) -> tuple[int, int] | None:
    """RLIMIT_NOFILE of this process, which its children inherit: `(soft, hard)`, -1 for no limit."""
    return limit_of(tree, "Max open files")


def limit_of(tree: Files, name: str) -> tuple[int, int] | None:
    """A limit of this process by the name that /proc gives it, `(soft, hard)`, -1 for none."""
    for line in (tree.first_text("/proc/self/limits", 8192) or "").splitlines():
        if line.startswith(name):
            words = line[len(name) :].split()[:2]
            soft, hard = (-1 if w == "unlimited" else int(w) if w.isdigit() else None for w in words)
            return None if soft is None or hard is None else (soft, hard)
    return None


def cgroup(tree: Files) -> Cgroup | None:
    """The limits that hold for this process: the tightest on the way up; None where there are no control groups."""
    groups = _groups(tree)
    if "memory" in groups or tree.exists("/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        return _version1(tree, groups)
    if not tree.exists("/sys/fs/cgroup/cgroup.controllers") and not tree.exists("/sys/fs/cgroup/memory.max"):
        return None
    folders = _upwards("/sys/fs/cgroup", groups.get("", "/"))
    quotas = [_quota(tree.first_text(f"{f}/cpu.max", 64)) for f in folders]
    return Cgroup(
        2, _least(_number(tree, f"{f}/memory.max") for f in folders), _number(tree, f"{folders[0]}/memory.current"),
        _least(_number(tree, f"{f}/memory.swap.max") for f in folders), min(filter(None, quotas), default=None),
    )  # fmt: skip


def _version1(tree: Files, groups: dict[str, str]) -> Cgroup:
    memory = _upwards("/sys/fs/cgroup/memory", groups.get("memory", "/"))
    limits = [_number(tree, f"{f}/memory.limit_in_bytes") for f in memory]
    used = next((u for f in memory if (u := _number(tree, f"{f}/memory.usage_in_bytes")) is not None), None)
    both = _least(_number(tree, f"{f}/memory.memsw.limit_in_bytes") for f in memory)
    limit = _least(limits)
    quotas = []
    for folder in _upwards("/sys/fs/cgroup/cpu", groups.get("cpu", "/")):
        quota, period = (tree.first_text(f"{folder}/cpu.cfs_{name}_us", 32) or "" for name in ("quota", "period"))
        quotas.append(_quota(f"{quota.strip()} {period.strip()}"))
    swap = max(0, both - limit) if both is not None and limit is not None else None
    return Cgroup(1, limit, used, swap, min(filter(None, quotas), default=None))


def _groups(tree: Files) -> dict[str, str]:
    """Controller to path; the unified hierarchy (version 2) under the empty name."""
    found: dict[str, str] = {}
    for line in (tree.first_text("/proc/self/cgroup", 16384) or "").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3:
            found |= dict.fromkeys(parts[1].split(","), parts[2])
    return found


def _upwards(base: str, path: str) -> list[str]:
    """The group's folder and those above it; inside a container the path may mean nothing, the base always does."""
    parts = [p for p in path.split("/") if p and p != ".."][:MAX_DEPTH]
    return ["/".join([base, *parts[:n]]) for n in range(len(parts), -1, -1)]


def _number(tree: Files, path: str) -> int | None:
    word = (tree.first_text(path, 64) or "").strip()
    return int(word) if word.isdigit() and int(word) < NO_LIMIT else None


def _least(values: object) -> int | None:
    known = [v for v in values if v is not None]  # type: ignore[attr-defined]
    return min(known, default=None)


def _quota(text: str | None) -> float | None:
    words = (text or "").split()
    if len(words) != 2 or not (words[0].isdigit() and words[1].isdigit()) or int(words[1]) == 0:
        return None
    return int(words[0]) / int(words[1])
