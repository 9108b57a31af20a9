"""The releases that a report states, in the forms of pip, conda and the reporters of torch and the engines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from packaging.version import InvalidVersion, Version

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts import normalize

MOST = 3000
ALONE = ("vllm", "sglang", "lmdeploy", "transformers", "torch", "sgl-kernel", "flashinfer-python", "xformers")
ROWS = 5  # so many names and versions one below the other are a table
_NAME = r"[A-Za-z][A-Za-z0-9._-]{0,80}"
_VERSION = r"v?(?P<version>\d{1,4}(?:\.\d{1,8}){1,4}(?:[._-]?(?:a|b|rc|post|dev)\.?\d{0,9}){0,3}(?:\+[\w.]{0,60})?)"
# `numpy==1.26.4`, `[pip3] numpy==1.26.4`
_FROZEN = late_pattern(rf"^(?:\[pip3?\] ?)?(?P<name>{_NAME})(?:\[[\w,-]{{1,80}}\])?==={{0,1}}{_VERSION}$")
# `[conda] torch  2.6.0  pypi_0  pypi`, and a row of `pip list` or `conda list` below its heading
_CONDA = late_pattern(rf"^\[conda\] (?P<name>{_NAME}) {{1,80}}{_VERSION}(?: |$)")
_ROW = late_pattern(rf"^(?P<name>{_NAME}) {{1,80}}{_VERSION}(?: {{1,80}}\S.{{0,200}})?$")
_HEADING = late_pattern(r"^(?:Package {1,80}Version\b|# Name {1,80}Version\b)", re.I)
# `PyTorch version   : 2.6.0+cu124`, `vLLM Version: 0.8.5`, `- `transformers` version: 4.51.3`
_SAID = late_pattern(
    rf"^[-*]? ?`?(?P<name>{_NAME})`? version(?: \(GPU\?\))? {{0,40}}: {{0,8}}{_VERSION}(?: |,|\(|$)", re.I
)
# what an engine says of itself first
_BANNER = late_pattern(
    rf"(?P<name>vLLM) API server version {_VERSION}|LLM engine \(v{_VERSION.replace('version', 'of')}"
)
# `LMDeploy: 0.9.2+`, `sgl_kernel: 0.1.4`, as the reporters of SGLang and LMDeploy write their lists
_PAIR = late_pattern(rf"^[-*]? ?(?P<name>{_NAME}): {{1,8}}{_VERSION}$")
# names of modules, as some reporters list them
_RENAMED = {"pytorch": "torch", "pil": "pillow", "zmq": "pyzmq", "multipart": "python-multipart"}
# lines of those forms that are of no distribution
_OTHERS = frozenset([
    "python", "cuda", "cudnn", "gcc", "clang", "cmake", "libc", "glibc", "os", "driver", "nvcc", "rocm", "hip",
    "platform", "kernel", "ubuntu", "debian", "linux", "windows", "docker", "mkl", "nccl", "mpi", "cuda-driver",
    "nvidia-driver", "xnnpack", "oneapi",
])  # fmt: skip
# what SGLang's and LMDeploy's reporters list: two of them show such a list
_IN_PAIRS = {"pytorch", "torch", "torchvision", "lmdeploy", "sglang", "sgl-kernel", "transformers", "vllm"}
_SMI = late_pattern(r"^\| +(?:NVIDIA-SMI|\d{1,3} |\S{1,4}% )")
_LISTED = ("lmdeploy", "sglang", "vllm", "transformers", "torch")


@dataclass(frozen=True, slots=True)
class Stated:
    """One package as a report states it; `line` counts from 1."""

    name: str
    version: str
    line: int

    @property
    def key(self) -> str:
        """The distribution's normalized name."""
        return normalize(self.name)


def packages(texts: Sequence[str]) -> tuple[dict[str, Stated], tuple[tuple[Stated, Stated], ...]]:
    """The packages in `plain` lines by normalized name, engines first, and those that are stated in two releases."""
    found, twice = dict[str, Stated](), list[tuple[Stated, Stated]]()
    for one in _stated(texts):
        known = found.setdefault(one.key, one)
        if _public(known.version) != _public(one.version):
            twice.append((known, one))
        if len(found) >= MOST:
            break
    first = sorted(found.values(), key=lambda s: (_LISTED.index(s.key) if s.key in _LISTED else 99, s.key))
    return {s.key: s for s in first}, tuple(twice[:5])


def _public(version: str) -> str:
    return version.partition("+")[0]


def _stated(texts: Sequence[str]) -> Iterator[Stated]:
    pairs, rows = _is_list_of_pairs(texts), _rows(texts)
    for number, (text, following) in enumerate(zip(texts, [*texts[1:], ""], strict=False), 1):
        if text.startswith("Name: ") and following.startswith("Version: "):  # `pip show`
            if shown := _one(text[6:], following[9:].strip(), number):
                yield shown
            continue
        if banner := _BANNER.search(text):
            yield Stated("vllm", banner["version"] or banner["of"], number)
            continue
        forms = (_FROZEN, _CONDA, _SAID, *((_PAIR,) if pairs else ()), *((_ROW,) if number in rows else ()))
        match = next((m for form in forms if (m := form.match(text))), None)
        if match is not None and (one := _one(match["name"], match["version"], number)):
            yield one


def _rows(texts: Sequence[str]) -> set[int]:
    """The numbers of lines in a table of packages: those below its heading, or `ROWS` and more in a row."""
    found, run, headed = set[int](), list[int](), False
    for number, text in enumerate((*texts, ""), 1):
        if match := _ROW.match(text):
            run.append(number)
            plain_row = match["version"].count(".") > 1 and match.end("version") == len(text)
            if plain_row and normalize(match["name"]) in ALONE:
                found.add(number)
        elif not (headed and text.startswith("---")):
            found |= set(run) if headed or len(run) >= ROWS else set()
            run, headed = [], bool(_HEADING.match(text))
    return found


def _is_list_of_pairs(texts: Sequence[str]) -> bool:
    """Whether the text has a list of `Name: 1.2.3`; one line of that form may say anything."""
    return len({normalize(m["name"]) for text in texts if (m := _PAIR.match(text))} & _IN_PAIRS) > 1


def _one(name: str, version: str, line: int) -> Stated | None:
    if not re.fullmatch(_NAME, name):
        return None
    key = normalize(name)
    key = _RENAMED.get(key, key)
    try:
        Version(version.rstrip("+"))
    except InvalidVersion:
        return None
    return None if key in _OTHERS else Stated(key, version.rstrip("+"), line)


def plain(line: str) -> str:
    """A line without what an issue form, a quote or a prompt puts around it."""
    text = line.replace("\t", "  ").replace("\u00a0", " ").replace("：", ": ").strip().lstrip("> ")
    if text.startswith("|") and text.endswith("|") and not _SMI.match(text):  # a row of a Markdown table
        text = text.strip("| ").replace(" | ", "  ")
    return text.replace("**", "").lstrip("•·").strip("` ")
