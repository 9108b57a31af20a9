"""What else a log says: versions of packages, the engine, the GPU, the machine. Makes a cause specific."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from functools import cached_property

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.explain.life.life import Life, life_of
from doctor.explain.lines import Line
from doctor.explain.traces import Trace
from doctor.facts import Distributions, Facts, normalize
from doctor.matrix.engines import engines

_VERSION = r"v?(?P<version>\d{1,4}(?:\.\d{1,6}){1,3}(?:[._-]?(?:post|rc|dev|a|b)\d{0,8}){0,3}(?:\+[\w.]{1,40})?)"
_STATED = (
    late_pattern(rf"(?P<name>vLLM) API server version {_VERSION}"),
    late_pattern(rf"(?P<name>LLM) engine \(v?{_VERSION}"),
    late_pattern(rf"(?:\[pip3\] |\[conda\] |^|[\s'\"`,(])(?P<name>[A-Za-z][\w.-]{{1,60}})==\s?{_VERSION}"),
    late_pattern(rf"Requirement already satisfied: (?P<name>[\w.-]{{1,60}})[^\n]{{0,300}}\({_VERSION}\)\s{{0,3}}$"),
    late_pattern(
        r"(?:^|[\s`'\"])(?P<name>transformers|torch|vllm|vLLM|lmdeploy|LMDeploy|sglang|SGLang|PyTorch|"
        r"Transformers|numpy|"
        rf"NumPy|flash[_-]attn|triton|pydantic|fastapi)(?: version)?\s{{0,20}}[:=]?\s{{0,"
        rf"40}}{_VERSION}(?=[\s,;)`'\"]|$)"
    ),
    late_pattern(rf"/(?P<name>[A-Za-z]\w{{1,60}})-{_VERSION}(?:-py\d[^/\s]{{0,40}})?\.(?:dist|egg)-info"),
)
_INSTALLED = late_pattern(rf"(?P<name>[A-Za-z][\w.-]{{0,60}}?)-{_VERSION}(?=\s|$)")
_RENAMED = {"llm": "vllm", "pytorch": "torch"}
_SITE = late_pattern(r"(?:site|dist)-packages/(?P<package>[A-Za-z_]\w{0,60})(?:/|\.py$)")
# An engine that runs from its source tree, as SGLang's images do: `/sgl-workspace/sglang/python/sglang/srt/...`.
SOURCE_TREE = late_pattern(r"/(?P<package>vllm|sglang|lmdeploy|transformers)/(?:python/|src/)?(?P=package)/")
_LAUNCHERS = ("xinference",)  # no engine of its own: it starts one, and its log is seldom the engine's
USUAL = "vllm"  # the engine of a log that does not tell
_GPU = late_pattern(
    r"(?:NVIDIA |Tesla |GeForce |Quadro )?(?:GeForce )?(?P<gpu>RTX (?:PRO )?\d{4}(?: Ti| SUPER|D| Ada)?|GTX "
    r"\d{4}(?: Ti)?|"
    r"(?:Tesla )?[PVTMK]\d{1,3}(?:-\w{3,10})?|[ALHB]\d{2,3}[SX]?(?:[- ](?:SXM|PCIE|PCIe)\w{0,10})?|GB10|Jetson \w{2,"
    r"8}|TITAN \w{1,4})\b"
)
_CAPABILITY = late_pattern(r"(?:compute capability|capability:|sm_|compute_)\s?\(?(?P<cc>\d{1,2}(?:[., ]{1,2}\d)?)")
_PASCAL = late_pattern(r"\b(?:GTX 10\d\d|P100|P40|P4\b|TITAN X|Quadro P\d{3,4}|M40|M60|K80|GTX 9\d\d)")
_BLACKWELL = late_pattern(
    r"\b(?:RTX 50\d\d|RTX PRO [456]000|B[12]00\b|GB[12]0\d|GB10\b|sm_?1[012]\d|compute "
    r"capability 1[012]\.)"
)
_WSL = late_pattern(
    r"microsoft-standard-WSL|/usr/lib/wsl|/mnt/[c-z]/|WSL is detected|\bWSL ?2?\b|wsl\.exe|/dev/dxg|"
    r"dxgkrnl",
    re.I,
)
_WINDOWS = late_pattern(r"[A-Z]:\\\w|\\site-packages\\|AppData\\|DLL load failed")


@dataclass
class Digest:
    """The whole digest of a log, and what the caller knows besides (`facts`)."""

    lines: Sequence[Line]
    traces: Sequence[Trace]
    facts: Facts | None = None
    versions: dict[str, str] = field(default_factory=dict)

    def version(self, package: str) -> str | None:
        """The version of a distribution: from the facts, else as the log states it first."""
        name = normalize(package)
        if self.facts is not None and isinstance(self.facts.distributions, Distributions):
            known = self.facts.distributions.version(name)
            if known is not None:
                return known
        return self.versions.get(name)

    @cached_property
    def text(self) -> str:
        """Everything the log said, one stripped line a line."""
        return "\n".join(line.text for line in self.lines)

    @cached_property
    def life(self) -> Life:
        """When the run was ready, worked, died and was stopped."""
        return life_of(self.lines)

    @cached_property
    def _by_trace(self) -> dict[int, list[Line]]:
        out: dict[int, list[Line]] = {}
        for line in self.lines:
            if line.trace is not None:
                out.setdefault(id(line.trace), []).append(line)
        return out

    def lines_of(self, trace: Trace) -> Sequence[Line]:
        """The lines that a traceback is made of, and those that its message may go on over."""
        return self._by_trace.get(id(trace), ())

    @cached_property
    def ignored(self) -> frozenset[int]:
        """The tracebacks, by `id`, that the log itself says were ignored."""
        return frozenset(id(n.trace) for n in self.lines if n.aside and n.trace is not None)

    @cached_property
    def wsl(self) -> bool:
        """Whether the log looks as if it came from WSL."""
        return bool(_WSL.search(self.text))

    @cached_property
    def windows(self) -> bool:
        """Whether the log looks as if it came from Windows itself."""
        return bool(_WINDOWS.search(self.text))

    @cached_property
    def gpu(self) -> str:
        """The first GPU model that is named, or an empty string."""
        match = _GPU.search(self.text)
        return match["gpu"] if match else ""

    @cached_property
    def generation(self) -> str:
        """`old` (before Volta), `blackwell`, or an empty string where the log does not say."""
        if _PASCAL.search(self.text):
            return "old"
        return "blackwell" if _BLACKWELL.search(self.text) else ""

    @cached_property
    def engine(self) -> str:
        """The engine that ran: the one whose files come up first in a trace, else whose logger, else whose name."""
        known = _programs()
        for name, package in known:
            if any(f"/{package}/" in t.paths for t in self.traces):
                return name
        loggers = {line.logger.partition(".")[0] for line in self.lines if line.logger}
        low = self.text.lower()
        logging = next((name for name, package in known if package in loggers), "")
        return logging or next((name for name, package in known if name in low or package in low), "")


def _programs() -> tuple[tuple[str, str], ...]:
    """What may have written a log, with its package: engines, then what starts them, then libraries."""
    own = [(e.name, e.package) for e in engines() if not e.library]
    return (*own, *((n, n) for n in _LAUNCHERS), *((e.name, e.package) for e in engines() if e.library))


def digest(lines: Sequence[Line], traces: Sequence[Trace], facts: Facts | None) -> Digest:
    """The context of a log."""
    return Digest(lines, traces, facts, _versions(lines))


def _versions(lines: Sequence[Line]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        text = line.text
        if "uccessfully installed " in text:
            for match in _INSTALLED.finditer(text[:4096]):
                found[normalize(match["name"])] = match["version"]
            continue
        if "." not in text or text.startswith(
            ("Collecting ", "  Downloading ", "  Using cached ", "Get:", "Unpacking ")
        ):
            continue
        if line.role != "text" and "-info" not in text:
            continue
        stated = next((m for p in _STATED if (m := p.search(text[:1024]))), None)
        if stated:
            name = normalize(stated["name"])
            found.setdefault(_RENAMED.get(name, name), stated["version"])
    return found


def packages_of(trace: Trace) -> list[str]:
    """The import packages a traceback goes through, from the outermost frame to the innermost, each once."""
    seen: dict[str, None] = {}
    for frame in trace.frames:
        file = frame.file.replace("\\", "/")
        match = _SITE.search(file) or SOURCE_TREE.search(file)
        if match:
            seen[match["package"]] = None
    return list(seen)
