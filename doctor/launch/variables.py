"""`$NAME` and `${NAME:-default}` as compose files and Dockerfiles write them, and `.env` files. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from functools import cache

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import HIDDEN, redact_text
from doctor.base.secrets.names import is_secret_name
from doctor.base.text import one_line
from doctor.matrix.engines import prefixes

_NAME = late_pattern(r"[A-Za-z_]\w*|\d")
_COMPOSE_NAME = late_pattern(r"[A-Za-z_]\w*")  # `$1` is left to the container's shell
_BRACE = late_pattern(r"[{}]")
_OPERATOR = late_pattern(r":?[-?+]")
_ASSIGNMENT = late_pattern(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]{0,200})\s*=\s*(.*)$")
LONGEST = 1 << 16
_DEEPEST = 16
_MOST = 200
# what a server of ours may look at; anything else of the environment is nobody's business
_BESIDE = (
    "CUDA", "NVIDIA", "NCCL", "GLOO", "HF", "HUGGINGFACE", "HUGGING_FACE", "TRANSFORMERS", "TORCH", "TORCHINDUCTOR",
    "PYTORCH", "TRITON", "RAY", "OMP", "MKL", "TOKENIZERS", "FLASHINFER", "MODELSCOPE", "XFORMERS", "TVM", "TIKTOKEN",
    "CUBLAS", "CUDNN", "UCX",
)  # fmt: skip
_SINGLE = (
    "PYTHONUNBUFFERED|PYTHONNOUSERSITE|LD_LIBRARY_PATH|LD_PRELOAD|XDG_CACHE_HOME|TP_SOCKET_IFNAME|HOST_IP|MASTER_ADDR"
    "|MASTER_PORT"
)


@dataclass
class Lacking:
    """What a text asked for in vain: `unset` variables, which become empty, and those without which it stops.

    `required` has their messages by name (`${TAG:?set TAG}`). `malformed` are braces that Compose does not accept.
    """

    unset: set[str] = field(default_factory=set)
    required: dict[str, str] = field(default_factory=dict)
    malformed: list[str] = field(default_factory=list)


def substituted(text: str, values: Mapping[str, str], lacking: Lacking | None = None, depth: int = 0) -> str:
    """`text` with its variables replaced once, defaults within defaults too; `$$` is a dollar.

    With `lacking`, as Compose has it, which tells what it could not fill.
    """
    out: list[str] = []
    at, text = 0, text[:LONGEST]
    closed = _closed(text) if "{" in text else {}
    while (dollar := text.find("$", at)) >= 0 and dollar + 1 < len(text):
        out.append(text[at:dollar])
        if text[dollar + 1] == "$":
            out.append("$")
            at = dollar + 2
            continue
        braced = text[dollar + 1] == "{"
        end = closed.get(dollar + 1) if braced else None
        name = (_NAME if lacking is None else _COMPOSE_NAME).match(text, dollar + 1 + braced)
        if name is None or (braced and (end is None or depth > _DEEPEST)):
            if braced and lacking is not None:
                lacking.malformed.append(one_line(text[dollar : dollar + 40], 40))
            out.append("$")
            at = dollar + 1
            continue
        rest = text[name.end() : end] if braced else ""
        out.append(_value(name[0], rest, values, lacking or Lacking(), depth))
        at = end + 1 if end is not None else name.end()
    return "".join([*out, text[at:]])[:LONGEST]


def _closed(text: str) -> dict[int, int]:
    """Where each brace ends, by the place where it begins; in one pass, since a text may hold thousands."""
    out: dict[int, int] = {}
    begun: list[int] = []
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            begun.append(found.start())
        elif begun:
            out[begun.pop()] = found.start()
    return out


def _value(name: str, rest: str, values: Mapping[str, str], lacking: Lacking, depth: int) -> str:
    operator = _OPERATOR.match(rest)
    how = operator[0] if operator else ""
    if rest and not how:
        lacking.malformed.append(one_line(f"${{{name}{rest}}}", 40))
    found = values.get(name)
    there = found is not None and (bool(found) or not how.startswith(":"))
    if how.endswith(("+", "-")):  # Compose fills it in whether it is used or not, and stops at what is required there
        inner = substituted(rest[len(how) :], values, lacking, depth + 1)
        return (inner if there else "") if how.endswith("+") else (found or "") if there else inner
    if there:
        return found or ""
    if how.endswith("?"):
        lacking.required[name] = one_line(rest[len(how) :], 100)
    lacking.unset.add(name)
    return ""


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
