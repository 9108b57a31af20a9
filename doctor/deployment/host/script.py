"""Scripts: of a shell, of Slurm's `sbatch` and its like, read by the one shell reader."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.collect.declared.service import Service
from doctor.deployment.host.source import Source
from doctor.deployment.values import number

_SHELL = late_pattern(r"#!\s*\S*(?:/|\benv\s+(?:-S\s+)?)(?:ba|da|z|k)?sh\b")
_DIRECTIVE = late_pattern(r"^#SBATCH[ \t]+(.*?)[ \t]*(?:[ \t]#.*)?$", re.MULTILINE)
_COUNT = late_pattern(r"--(?:gres=gpu(?::[\w.-]+)?|gpus-per-node(?:=[\w.-]+)?|gpus(?:=[\w.-]+)?)[:=](\d{1,3})\b")
ENDINGS = (".sh", ".bash", ".sbatch", ".slurm", ".sub", ".job", ".pbs", ".lsf", ".zsh")


def is_script(source: Source) -> bool:
    """By its first line, its name, or a scheduler's directives."""
    return bool(_SHELL.match(source.text)) or source.name.lower().endswith(ENDINGS) or is_batch_job(source)


def is_batch_job(source: Source) -> bool:
    """Whether Slurm reads it."""
    return bool(_DIRECTIVE.search(source.text[: 1 << 16]))


def services(source: Source) -> list[Service]:
    """The script, as it is typed or handed to `sbatch`."""
    if not is_batch_job(source):
        words = ("bash", source.path)
        return [source.program("shell script", words, folder=source.folder, installs=_installs(source))]
    return [
        source.program(
            "Slurm job", ("sbatch", source.path), variables=_slurm(source), folder=source.folder,
            installs=_installs(source), gpus=number(gpus(source), 0) or None, nodes=_nodes(source),
            labels=tuple(filter(None, [_option(source, "-J", "--job-name")])),
        )
    ]  # fmt: skip


def _installs(source: Source) -> str:
    """The script itself where it installs packages first."""
    return source.text if re.search(r"\b(?:pip[0-9.]*|uv\s+pip)\s+install\b", source.text) else ""


def _option(source: Source, short: str, long: str) -> str | None:
    """The value of a directive."""
    for line in _DIRECTIVE.findall(source.text[: 1 << 16]):
        if found := re.search(rf"(?:^|\s)(?:{long}[=\s]|{short}\s*=?)\s*(\S+)", line):
            return found[1].strip("\"'")
    return None


def _nodes(source: Source) -> int:
    return max(number(_option(source, "-N", "--nodes"), 1), 1)


def _slurm(source: Source) -> dict[str, str]:
    """The variables that the directives decide."""
    nodes = _option(source, "-N", "--nodes")
    told = {
        "SLURM_JOB_NUM_NODES": nodes, "SLURM_NNODES": nodes, "SLURM_NTASKS": _option(source, "-n", "--ntasks"),
        "SLURM_CPUS_PER_TASK": _option(source, "-c", "--cpus-per-task"),
        "SLURM_GPUS_ON_NODE": gpus(source), "SLURM_JOB_NAME": _option(source, "-J", "--job-name"),
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def gpus(source: Source) -> str | None:
    """How many GPUs each node gets, as the directives have it; `--gpus` counts those of all nodes."""
    nodes = _nodes(source)
    for line in _DIRECTIVE.findall(source.text[: 1 << 16]):
        text = re.sub(r"(?:^|\s)-G\s*", " --gpus=", line).replace("--gres ", "--gres=").replace("--gpus ", "--gpus=")
        if found := _COUNT.search(text):
            total = found[0].startswith(("--gpus=", "--gpus:"))
            return str(max(int(found[1]) // nodes, 1)) if total else found[1]
    return None
