"""From candidates to findings: the likeliest cause first, honest about what the log does not hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from doctor.base.late import late_pattern
from doctor.base.secrets.hide import redact_text
from doctor.base.text import one_line
from doctor.explain.catalog import Crash
from doctor.explain.context import Digest
from doctor.explain.evidence import evidence_of, location_of, ranks_of
from doctor.explain.gate import sound
from doctor.explain.life.outcome import lived, noteworthy, peaceful
from doctor.explain.lines import SEVERE
from doctor.explain.matching import Candidate, candidates
from doctor.explain.platform import platform_of, suited
from doctor.explain.refine import refine
from doctor.explain.refine.refined import Refined
from doctor.explain.unknown import ECHO, unexplained
from doctor.findings import Action, Confidence, Evidence, Finding, Remediation

MOST = 4
GENERIC = 60
_DEATHS = ("RUN602", "RUN603", "RUN611", "RUN612")
_GROUP_KILL = "Received sigquit from a child"
_FIELD = late_pattern(r"\{(?P<name>[a-z_]{1,40})\}")
_EMPTY = late_pattern(r" ?\([ ,]{0,3}\)| ?``|(?<= ) |:(?= ?[(;,])| {1,2}(?=[,;])")
_GPU_KINDS = ("no-gpu-visible", "driver-library-mismatch", "driver-too-old", "cuda-init", "container-toolkit", "nccl")
_ON_WSL = Remediation(
    "in WSL: update the NVIDIA driver on Windows (the Windows driver, in WDDM mode), wsl --update, wsl --shutdown; "
    "remove "
    "Linux NVIDIA driver packages inside WSL, and put /usr/lib/wsl/lib on LD_LIBRARY_PATH",
    (Action("manual", text="update the Windows driver and WSL; no Linux NVIDIA driver inside WSL"),),
)
_LOWER: Mapping[Confidence, Confidence] = {"high": "medium", "medium": "low", "low": "low"}


def verdict(digest: Digest) -> tuple[Finding, ...]:
    """The findings, ordered by likelihood; never empty, and `high` only where the log itself names the cause."""
    found = candidates(digest)
    calm = peaceful(digest, found)
    if calm is not None:
        return (dataclasses.replace(_with_note(calm, noteworthy(digest, found), digest), primary=True),)
    causes = [c for c in found if c.rank > ECHO]
    unknown = unexplained(digest, found)
    causes = [c for c in causes if not _own_kill(c, causes, unknown, digest)]
    out = _unknown_first(unknown, causes)
    places: set[int] = set()
    for candidate in causes:
        if candidate.line.number not in places and candidate.crash.code not in {f.rule for f in out}:
            out.append(_finding(candidate, digest, first=not out))
            places.add(candidate.line.number)
    out = [*out[:MOST], *(u for u in unknown[:1] if u not in out)]
    echoes = found if not causes else []
    out.extend(_finding(c, digest, first=False) for c in echoes[: max(0, 2 - len(out))])
    from doctor.explain.raised import placed

    platform = platform_of(digest.text)
    known = placed([dataclasses.replace(f, primary=i == 0) for i, f in enumerate(out[:MOST])], digest)
    return tuple(suited(sound(f), platform) for f in known)


def _with_note(calm: Finding, candidate: Candidate | None, digest: Digest) -> Finding:
    """The good news with the one known thing beside it that was survived."""
    if candidate is None:
        return calm
    known = _finding(candidate, digest, first=False)
    return dataclasses.replace(
        calm, message=f"{calm.message} One thing it logged: {known.message}.", remediations=known.remediations,
        evidence=(*calm.evidence, *known.evidence),
    )  # fmt: skip


def _own_kill(death: Candidate, causes: list[Candidate], unknown: list[Finding], digest: Digest) -> bool:
    """Whether a death by SIGKILL is the engine's own end of its processes after a failure that the log names before:
    SGLang says that a child asked for it (SIGQUIT), kills them all, and the shell writes `Killed`."""
    if death.crash.code not in _DEATHS[:2]:
        return False
    said = [n.number for n in digest.lines if _GROUP_KILL in n.text and n.number < death.line.number]
    if not said:
        return False
    named = any(c.line.number < said[-1] and c.crash.code not in _DEATHS and c.line.trace for c in causes)
    return named or any(f.rule == "RUN001" for f in unknown)


def _unknown_first(unknown: list[Finding], causes: list[Candidate]) -> list[Finding]:
    """An exception that no entry explains comes before a death or a generic error that follows it."""
    if not unknown or unknown[0].rule != "RUN001" or not causes:
        return []
    top = causes[0]
    follows = int(unknown[0].key.rpartition(" ")[2]) < top.line.number
    weak = follows and (top.rank <= GENERIC or top.crash.code in _DEATHS)
    return unknown[:1] if weak or _is_hint(top) else []


def _is_hint(candidate: Candidate) -> bool:
    """Whether a line outside of every traceback, and no error by its level, only mentions something in passing."""
    line = candidate.line
    return line.trace is None and line.level not in SEVERE and candidate.rank <= GENERIC


def _finding(candidate: Candidate, digest: Digest, *, first: bool) -> Finding:
    crash = candidate.crash
    refined = refine(candidate, digest) if crash.refine else Refined()
    values = {k: v for k, v in candidate.match.groupdict().items() if v} | refined.values
    confidence = refined.confidence or crash.confidence
    if candidate.rank <= ECHO:
        confidence = "low"
    elif not first or candidate.quiet or _ends_open(candidate, digest):
        confidence = _LOWER[confidence]
    found = Finding(
        rule=crash.code,
        name=crash.name,
        severity="error",
        confidence=confidence,
        key=f"line {candidate.line.number}",
        message=filled(refined.message or crash.message, values),
        location=location_of(candidate.line.trace),
        evidence=(*evidence_of(candidate), *refined.evidence, *(_around(candidate, digest) if first else ())),
        remediations=_remediations(_ways(crash, refined, digest), values),
    )
    return _as_ruled(found, candidate, digest)


def _around(candidate: Candidate, digest: Digest) -> tuple[Evidence, ...]:
    """What the rest of the log says of this failure: in how many processes, and whether the server had been ready."""
    return (*ranks_of(candidate.line, digest.lines), *lived(digest, candidate.line.number))


def _as_ruled(found: Finding, candidate: Candidate, digest: Digest) -> Finding:
    """The same in the words of the rule that sees it in the facts, if one does; the place in the log stays."""
    if digest.facts is None:
        return found
    from doctor.derived.case import Case
    from doctor.derived.packages.narrowing import narrowed_to_model
    from doctor.explain.ruled import ruled

    said = ruled(candidate.crash.rules, candidate.match.groupdict(), digest.facts)
    if said is None:
        return narrowed_to_model(Case(digest.facts), found)
    return dataclasses.replace(
        found, message=said.message, location=said.location or found.location, follows_from=(said.rule,),
        evidence=(*found.evidence, *said.evidence), remediations=said.remediations or found.remediations,
    )  # fmt: skip


def _ways(crash: Crash, refined: Refined, digest: Digest) -> tuple[Remediation, ...]:
    ways = refined.remediations if refined.remediations is not None else crash.remediations
    return (*ways, _ON_WSL) if digest.wsl and crash.kind in _GPU_KINDS else ways


def _ends_open(candidate: Candidate, digest: Digest) -> bool:
    """Whether the log breaks off inside a later traceback, whose last line may say something else."""
    last = digest.traces[-1] if digest.traces else None
    return last is not None and last.cut and last.start > candidate.line.number


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with `{name}` replaced by cleaned values; what has no value leaves no trace."""
    out = _FIELD.sub(lambda m: one_line(redact_text(values.get(m["name"], "")), 200), template)
    return _EMPTY.sub("", out).rstrip(" :,(") if out != template else out


def _remediations(found: tuple[Remediation, ...], values: Mapping[str, str]) -> tuple[Remediation, ...]:
    def one(action: Action) -> Action:
        parts = (action.package, action.specifier, action.name, action.value, action.text)
        package, specifier, name, value, text = (filled(p, values) if p else p for p in parts)
        return Action(action.kind, package, specifier, action.direction, name, value, text)

    return tuple(Remediation(filled(r.title, values), tuple(map(one, r.actions)), r.applicability) for r in found)
