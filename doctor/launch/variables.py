"""`$NAME` and `${NAME:-default}` as compose files and Dockerfiles write them, and `.env` files. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from doctor.base.secrets.hide import HIDDEN, redact_text
from doctor.base.secrets.names import is_secret_name
from doctor.base.text import one_line
from doctor.matrix.engines import prefixes

_VARIABLE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)(?:(:?[-?+])([^{}$]{0,4096}))?\})")
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]{0,200})\s*=\s*(.*)$")
LONGEST = 1 << 16
_MOST = 200
# what a server of ours may look at; anything else of the environment is nobody's business
_BESIDE = (
    "CUDA", "NVIDIA", "NCCL", "GLOO", "HF", "HUGGINGFACE", "HUGGING_FACE", "TRANSFORMERS", "TORCH", "TORCHINDUCTOR",
    "PYTORCH", "TRITON", "RAY", "OMP", "MKL", "TOKENIZERS", "FLASHINFER", "MODELSCOPE", "XFORMERS", "TVM", "TIKTOKEN",
    "CUBLAS", "CUDNN",
)  # fmt: skip
_SINGLE = "PYTHONUNBUFFERED|PYTHONNOUSERSITE|LD_LIBRARY_PATH|LD_PRELOAD|XDG_CACHE_HOME"


def substituted(text: str, values: Mapping[str, str], lacking: set[str] | None = None) -> str:
    """`text` with its variables replaced once; names without value and default go to `lacking` and become empty."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, how, default = match[1] or match[2], match[3] or "", match[4] or ""
        found = values.get(name)
        there = found is not None and (bool(found) or not how.startswith(":"))
        if how.endswith("+"):
            return default if there else ""
        if there:
            return found or ""
        if not how.endswith("-") and lacking is not None:
            lacking.add(name)
        return default if how.endswith("-") else ""

    return _VARIABLE.sub(value, text[:LONGEST])[:LONGEST]


def assignments(text: str) -> dict[str, str]:
    """The variables of a `.env` file: `NAME=value`, quoted or not, comments left out."""
    out: dict[str, str] = {}
    for line in text.splitlines()[:5000]:
        found = _ASSIGNMENT.match(line.strip())
        if found is None:
            continue
        value = found[2].strip()
        if value[:1] in ("'", '"'):
            end = value.find(value[0], 1)
            value = value[1:end] if end > 0 else value[1:]
        else:
            value = re.sub(r"(?:^|\s)#.*$", "", value).strip()
        out[found[1]] = value
    return out


def shown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that may be told, secrets hidden."""
    kept = [name for name in sorted(environ) if _variable().fullmatch(name)][:_MOST]
    return {n: HIDDEN if is_secret_name(n) else one_line(redact_text(environ[n]), 1000) for n in kept}


@cache
def _variable() -> re.Pattern[str]:
    """The name of a variable that may be told: an engine's own, or one of what it stands on."""
    beginnings = "|".join((*(re.escape(p) for p in prefixes(native=True)), *(f"{name}_" for name in _BESIDE)))
    return re.compile(rf"(?:{beginnings})[A-Z0-9_]{{1,80}}|{_SINGLE}")
