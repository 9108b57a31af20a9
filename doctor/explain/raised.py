"""Where an engine's own refusal comes from: the message of a log matched to the place in the code that says it.

Only the line that a finding is about is looked up, and only where it is what an exception said or an error record.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from doctor.base.record import dataclass
from doctor.base.text import clean, one_line
from doctor.explain.context import Digest, packages_of
from doctor.explain.lines import SEVERE, Line
from doctor.explain.traces import Trace
from doctor.explain.unknown import error_line
from doctor.facts import normalize
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.matrix.files.message_digest import Spoken
from doctor.matrix.raise_sites import KnownSite, Match, RaiseSites, covered, raise_sites
from doctor.matrix.refusal_needs import Needs, needs_of

MOST = 2  # findings of one answer that are looked up
LONGEST = 40  # lines of a message
TAIL = 10  # lines of a log that may be its end: a server that goes on says more after an error
NEAR = 2  # innermost frames whose files are looked at
SHOWN = 5  # other places of the same message
_UNKNOWN = ("RUN001", "RUN003")
_NOTHING = "RUN004"
# Words in common that are enough without a traceback: a whole message, one that Python may have said, a part of one.
_SHORT, _PYTHON, _PART = 2, 6, 9
_PYTHONS = (
    "ImportError", "ModuleNotFoundError", "AttributeError", "KeyError", "IndexError", "NameError", "TypeError",
    "OSError", "FileNotFoundError", "PermissionError", "ConnectionError", "TimeoutError", "UnicodeDecodeError",
)  # fmt: skip
_PROJECTS = {"flashinfer": "flashinfer-python"}


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said, by which exception (empty: an error record), and the traceback it ends."""

    message: str
    raised: str
    trace: Trace | None


@dataclass(frozen=True, slots=True)
class _Found:
    """The likeliest place, the release it was looked up in (None: not known), and what else fits as well."""

    match: Match
    sites: RaiseSites
    version: str | None
    others: tuple[KnownSite, ...]
    alike: tuple[KnownSite, ...]


def placed(findings: Sequence[Finding], digest: Digest) -> tuple[Finding, ...]:
    """The same findings; those whose message a known place says name it, its condition and what satisfies it."""
    out = list(findings)
    if [f.rule for f in out] == [_NOTHING]:
        return (_last_record(digest) or out[0],)
    for place, finding in enumerate(out[:MOST]):
        said = _said(finding, digest)
        found = _find(said, digest) if said else None
        if found:
            out[place] = _with_place(finding, found)
        elif said and (here := _here(said)):
            out[place] = dataclasses.replace(finding, evidence=(*finding.evidence[:1], here, *finding.evidence[1:]))
    return tuple(out)


def _here(said: _Said) -> Evidence | None:
    """The place in the installed file itself, where the traceback's files are on this machine."""
    from doctor.matrix.extract.raising.own_file import own_site

    for frame in (said.trace.frames[::-1] if said.trace else [])[:NEAR]:
        site = own_site(frame.file, frame.line, Spoken(said.message))
        if site:
            when = f" when `{one_line(site.condition, 200)}`" if site.condition else f", always in {site.function}"
            needs = needs_of(site.condition, "", None)
            return Evidence(
                "raised at", f"{clean(frame.file, 300)}:{site.line}{when}", needs.satisfied or None, "this file"
            )
    return None


def _last_record(digest: Digest) -> Finding | None:
    """The error record that a log ends with, where the code of a package that is known says it."""
    for line in digest.lines[-TAIL:]:
        if line.level in SEVERE and line.role == "text":
            finding = dataclasses.replace(error_line(line.number, line.text), primary=True)
            said = _said(finding, digest)
            found = _find(said, digest) if said else None
            if found:
                return _with_place(finding, found)
    return None


def _said(finding: Finding, digest: Digest) -> _Said | None:
    number = finding.key.removeprefix("line ")
    if not number.isdigit():
        return None
    at = next((i for i, line in enumerate(digest.lines) if line.number == int(number)), None)
    if at is None:
        return None
    line = digest.lines[at]
    if line.trace is not None and line.trace.raised and line.role in ("error", "text"):
        first = line if line.trace.number == line.number else None
        text = line.trace.message if first else line.text
        return _Said("\n".join([text, *_rest(digest.lines, at, line)]), line.trace.kind, line.trace)
    raised, colon, message = line.text.partition(": ")
    kind = raised.rpartition(".")[2]
    rest = _rest(digest.lines, at, line)
    if colon and kind.isidentifier() and kind.endswith(("Error", "Exception")):
        return _Said("\n".join([message, *rest]), kind, None)
    loud = line.level in SEVERE or line.text.startswith(SEVERE)
    return _Said("\n".join([line.text, *rest]), "", None) if loud else None


def _rest(lines: Sequence[Line], at: int, first: Line) -> Iterator[str]:
    """The lines of the same process that go on with a message."""
    for line in lines[at + 1 : at + LONGEST]:
        if line.who != first.who:
            continue
        if line.role != "text" or line.level or "Traceback (most" in line.text or line.text.startswith("The above "):
            return
        yield line.text


def _find(said: _Said, digest: Digest) -> _Found | None:
    spoken = Spoken(said.message)
    for name in _projects(said, digest):
        sites = raise_sites(name)
        if sites is None:
            continue
        stated = digest.version(name)
        version = sites.nearest(stated) if stated else None
        ranked = _ranked(sites.matches(spoken), said, version)
        if ranked:
            best, first = ranked[0]
            others = tuple(m.site for s, m in ranked[1:] if s == best)
            return _Found(first, sites, version, others, tuple(m.site for _, m in ranked if m.digest == first.digest))
    return None


def _projects(said: _Said, digest: Digest) -> list[str]:
    """The projects that may have said it: those of the traceback from the innermost frame, the engine, all others."""
    frames = packages_of(said.trace)[::-1] if said.trace else []
    near = [_PROJECTS.get(p, normalize(p)) for p in frames]
    return [n for n in dict.fromkeys([*near, digest.engine, *covered()]) if n in covered()]


def _ranked(matches: Sequence[Match], said: _Said, version: str | None) -> list[tuple[tuple[int, ...], Match]]:
    """The places that fit well enough with how well, the best first."""
    scored = [(_score(m, said, version), m) for m in matches]
    good = [(s, m) for s, m in scored if s]
    return sorted(good, key=lambda pair: (pair[0], pair[1].site.releases.bits), reverse=True)


def _score(match: Match, said: _Said, version: str | None) -> tuple[int, ...]:
    """How surely a place said it; empty where that is not sure enough.

    What a traceback shows was raised in one of its files. Without one the message has to be the place's from its first
    word to its last, and long enough not to be Python's own.
    """
    site, fit = match.site, match.fit
    shown = said.trace.frames if said.trace else ()
    frames = [f for f in shown if f.file.replace("\\", "/").endswith(f"/{site.file}")]
    lines = {line for _, line in site.lines} if version is None else {site.line(version)}
    on_line = any(f.line in lines for f in frames)
    same = site.raised == said.raised if said.raised else site.raised == "log"
    least = _PYTHON if said.raised in _PYTHONS else _SHORT
    if shown and not (on_line or (frames and (fit.whole or fit.count >= _SHORT))):
        return ()
    if not shown and not (fit.whole and same and fit.count >= least) and fit.count < _PART:
        return ()
    known = version is None or site.line(version) is not None
    return (on_line, bool(frames), known, fit.whole, same, fit.count)


def _with_place(finding: Finding, found: _Found) -> Finding:
    site, project = found.match.site, found.sites.releases.project
    needs = needs_of(site.condition, project, found.version)
    where = _where(site, found)
    location = finding.location or Location("file", project, site.file, _line(site, found))
    message, said = finding.message, (finding.evidence[0].observed or "") if finding.evidence else ""
    if finding.rule in _UNKNOWN and not found.others:
        message = f"`{one_line(said, 300)}`: {project} refuses this at {where}."
    ways = finding.remediations
    if needs.satisfied and needs.subjects and not found.others and not ways:
        ways = (Remediation(needs.satisfied, (Action("manual", text=needs.satisfied),)),)
    return dataclasses.replace(
        finding, location=location, message=clean(message, 1200), remediations=ways,
        evidence=(*finding.evidence[:1], *_evidence(found, needs), *finding.evidence[1:]),
    )  # fmt: skip


def _evidence(found: _Found, needs: Needs) -> Iterator[Evidence]:
    """The place with its condition, what satisfies it, what it is about and which releases say it; then the others."""
    site, project = found.match.site, found.sites.releases.project
    release = found.version or site.releases.newest or site.releases.all_versions[-1]
    about = "".join(f"; {s.kind} {s.name}" for s in needs.subjects)
    source = f"{project} {_history(found)}{about}"
    yield Evidence("raised at", f"{_where(site, found)} ({project} {release})", needs.satisfied or None, source)
    if found.others:
        shown = "; ".join(_where(s, found) for s in found.others[:SHOWN])
        more = f"; and {len(found.others) - SHOWN} more" if len(found.others) > SHOWN else ""
        yield Evidence("or raised at", f"{shown}{more}", source=f"{project}, the same message")


def _where(site: KnownSite, found: _Found) -> str:
    """File and line, and on which condition."""
    when = (
        f" when `{one_line(site.condition, 200)}`" if site.condition else f", always in {site.function or 'the module'}"
    )
    return f"{site.file}:{_line(site, found)}{when}"


def _line(site: KnownSite, found: _Found) -> int | None:
    return site.line(found.version) or site.line(None)


def _history(found: _Found) -> str:
    """Which of the releases that were read say this, and between which of them it came and went."""
    have = found.match.site.releases
    for site in found.alike:
        have |= site.releases
    known, versions = found.sites.releases.versions, have.all_versions
    first, last = known.index(versions[0]), known.index(versions[-1])
    came = f"not in {known[first - 1]}" if first else ""
    went = f"not in {known[last + 1]}" if last + 1 < len(known) else ""
    changes = ", ".join(dict.fromkeys(c for c in (came, went) if c))
    span = versions[0] if first == last else f"{versions[0]} to {versions[-1]}"
    return f"releases {span}" + (f" ({changes})" if changes else "")
