"""Killed from outside: by the kernel for memory, in WSL by the limit of its virtual machine."""

from __future__ import annotations

from doctor.explain.context import Digest
from doctor.explain.matching import Candidate
from doctor.explain.refine.refined import Refined, manual


def oom_kill(candidate: Candidate, digest: Digest) -> Refined:
    """For `Killed` and the kernel's own lines (groups `process` and `rss`)."""
    groups = candidate.match.groupdict()
    process, rss = groups.get("process"), groups.get("rss")
    who = f"`{process}`" if process else "the process"
    held = f", which held {int(rss) / 1048576:.1f} GiB of RAM" if rss and rss.isdigit() else ""
    sure = "the kernel killed " if process else "most likely the kernel's OOM killer killed "
    unified = any(w in digest.text for w in ("GB10", "DGX Spark", "Jetson", "unified memory", "GH200", "lmcache"))
    ways = [
        manual(
            "give it more host memory (system memory, RAM): add swap, raise the container's memory limit, or "
            "load a smaller or quantized model"
        ),
        manual("in WSL set [wsl2] memory= and swap= in %UserProfile%\\.wslconfig, then wsl --shutdown"),
    ]
    if unified:
        ways.insert(0, manual("on unified memory the GPU's share is system memory: lower --gpu-memory-utilization"))
    text = f"the host ran out of memory (OOM killer): {sure}{who}{held}"
    return Refined(text, tuple(ways), confidence=None if process else "medium")
