"""Files that a server reads heavily are on a Windows drive.

`/mnt/c` and the other drives reach Windows files through a network protocol (9p). Reading a checkpoint or importing a
package from there takes many times as long as from Linux's own disk, and memory mapping works poorly.

What to do: move the model, the cache and the environment into the Linux file system (`~/`).
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual, no_wsl, wsl_of
from doctor.facts.host import Disk
from doctor.findings import Remediation
from doctor.rules.rule import Rule, Verdict

WINDOWS = frozenset({"9p", "drvfs", "virtiofs", "fuse.drvfs"})
WHAT = {"hf-cache": "The model cache", "model": "The model", "target": "The Python environment", "tmp": "`TMPDIR`"}


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """The file system under each place."""
    if wsl_of(case.facts) is None:
        yield from no_wsl()
        return
    for disk in host_of(case.facts).disks:
        if disk.fstype in WINDOWS:
            yield rule.about(
                f"{WHAT[disk.use]} `{disk.path}` is on a Windows drive (`{disk.mount}`, {disk.fstype}), which is "
                "slow; keep it on the Linux file system.",
                _mend(disk),
                observed=disk.fstype,
                expected="ext4",
                source="/proc/self/mountinfo",
                key=disk.use,
                where=disk.path,
            )


def _mend(disk: Disk) -> Remediation:
    if disk.use == "hf-cache":
        return manual(f"move `{disk.path}` to `~/.cache/huggingface/hub` and take `HF_HOME` out of the environment")
    return manual(f"move `{disk.path}` below your Linux home folder, such as `~/`")


RULE = Rule(code="SYS027", name="wsl-windows-drive", severity="warning", check=check, needs=("host",))
