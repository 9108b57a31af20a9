"""In what two machines differ: the values of a section side by side, in few lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from doctor.base.text import one_line
from doctor.derived.digest import section
from doctor.derived.fleet import Fleet, Kind
from doctor.facts import Facts

MOST, LONGEST = 12, 60
LABELS = {
    "engine": ("engine", "release", "torch", "ray", "read from its files"),
    "driver": ("NVML", "driver", "kernel module", "library", "platform"),
    "host": ("machine", "system", "kernel", "libc", "memory in GiB", "/dev/shm in GiB", "CPUs", "CPU", "open files",
             "container"),
    "network": ("interfaces and MTU", "RDMA", "ports", "locked memory"),
    "environment": ("variables", "command"),
    "natives": ("libraries", "CUDA libraries", "versions", "torch builds for", "machine"),
    "model": ("config.json", "preprocessor", "files", "sums", "revision", "code"),
}  # fmt: skip


def differences(one: Facts, other: Facts, name: str) -> tuple[str, ...]:
    """Lines such as `torch: 2.8.0, here 2.7.1`, of which the first value is `one`'s; 12 at most."""
    out = list(_lines(section(one, name), section(other, name), LABELS.get(name, ())))
    return tuple(out[:MOST]) + ((f"and {len(out) - MOST} more",) if len(out) > MOST else ())


def unlike(fleet: Fleet, name: str) -> Iterator[tuple[Kind, Facts, Facts, tuple[str, ...]]]:
    """Each kind that is not like most machines in a section: its facts, those of most, and in what they differ.

    What most machines have need not be what the most frequent kind has.
    """
    odd = fleet.differing.get(name, [])
    usual = next((kind.facts for kind in fleet.kinds if kind not in odd and kind.facts is not None), None)
    for kind in odd:
        if usual is not None and kind.facts is not None:
            yield kind, kind.facts, usual, differences(usual, kind.facts, name) or ("not the same",)


def _lines(usual: Any, here: Any, labels: tuple[str, ...]) -> list[str]:
    if isinstance(usual, list) and isinstance(here, list) and len(labels) == len(usual) == len(here):
        return [line for label, a, b in zip(labels, usual, here, strict=True) for line in _pair(label, a, b)]
    return _pair("values", usual, here)


def _pair(label: str, usual: Any, here: Any) -> list[str]:
    if usual == here:
        return []
    if isinstance(usual, dict) and isinstance(here, dict):
        return [line for key in sorted({*usual, *here}) for line in _pair(str(key), usual.get(key), here.get(key))]
    named = _by_name(usual), _by_name(here)
    if named[0] is not None and named[1] is not None and (named[0] or named[1]):
        return [x for key in sorted({*named[0], *named[1]}) for x in _pair(key, named[0].get(key), named[1].get(key))]
    return [f"{one_line(label, LONGEST)}: {_text(usual)}, here {_text(here)}"]


def _by_name(value: Any) -> dict[str, Any] | None:
    """A list of `[name, ...]` by the names, if each has one of its own."""
    if not isinstance(value, list) or not all(isinstance(v, list) and v and isinstance(v[0], str) for v in value):
        return None
    found = {v[0]: v[1:] for v in value}
    return found if len(found) == len(value) else None


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return one_line(" ".join(_text(v) for v in value if v not in (None, False)), LONGEST) or "none"
    return one_line(str(value), LONGEST)
