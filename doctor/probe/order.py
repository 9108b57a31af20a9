"""The checks in their order, and when the rest of them is not worth asking."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from doctor.findings import Finding, RuleResult
from doctor.findings.probe import ProbeReport
from doctor.matrix.answers import Check, answers
from doctor.probe.checks import gpu, health, image, metrics, model, schema, speed, text
from doctor.probe.checks.outcome import Outcome
from doctor.probe.options import Options
from doctor.probe.talk import Talk

# no other request can fare better after one of these
_FATAL = {"SRV101", "SRV102", "SRV103", "SRV104", "SRV105", "SRV106", "SRV107", "SRV108", "SRV109", "SRV111", "SRV113",
          "SRV120", "SRV121", "SRV130", "SRV131", "SRV140", "SRV141"}  # fmt: skip
_SLOW = ("SRV106", "SRV107", "SRV146")  # nor can another generation after these
_FIRST = ("health", "model")
_GENERATE = ("text", "image", "schema", "speed")
_LEAST = 1.0  # seconds without which nothing is begun


def probed(options: Options) -> ProbeReport:
    """Every check once, each within what is left of the time."""
    talk, rows = Talk(options), list[RuleResult]()
    earlier: dict[str, float] | None = None
    for row in answers().checks:
        if row.name == "text" and talk.blocked is None and "metrics" not in options.skip:
            earlier = metrics.before(talk)
        rows.append(_result(talk, row, _asked(row.name, talk, earlier, rows)))
    results = _with_primary(tuple(rows))
    return ProbeReport(options.address.shown, talk.server or None, talk.model, talk.served, results, talk.figures)


def _asked(name: str, talk: Talk, earlier: dict[str, float] | None, rows: list[RuleResult]) -> Outcome:
    """What became of one check, or why it was not made."""
    if name in talk.options.skip:
        return Outcome((), "left out (`--skip`)", idle=True)
    if (why := _not_asked(name, talk)) is not None:
        return Outcome((), why, open=True)
    generated = any(r.name in _GENERATE and r.status == "pass" for r in rows)
    every: dict[str, Callable[[Talk], Outcome]] = {
        "health": health.check, "model": model.check, "text": text.check, "image": image.check, "schema": schema.check,
        "speed": speed.check, "metrics": lambda t: metrics.check(t, earlier, generated), "gpu": gpu.check,
    }  # fmt: skip
    return every[name](talk)


def _not_asked(name: str, talk: Talk) -> str | None:
    if talk.blocked is not None:
        return f"not asked after {talk.blocked}"
    if name in _GENERATE and talk.mute is not None:
        return f"not asked after {talk.mute}"
    if name in _GENERATE and talk.model is None:
        return "no model to ask; name one with `--model`"
    return "the time is over (`--timeout`)" if talk.left < _LEAST else None


def _result(talk: Talk, row: Check, outcome: Outcome) -> RuleResult:
    failures = [f for f in outcome.findings if f.severity != "note"]
    for one in failures:
        if row.name in _FIRST and one.rule in _FATAL:
            talk.blocked = talk.blocked or f"{one.rule} ({one.name})"
        elif row.name in _GENERATE and one.rule in _SLOW:
            talk.mute = talk.mute or f"{one.rule} ({one.name})"
    status = "fail" if failures else "open" if outcome.open else "notApplicable" if outcome.idle else "pass"
    return RuleResult(row.code, row.name, status, outcome.findings, outcome.detail or None)  # type: ignore[arg-type]


def _with_primary(rows: tuple[RuleResult, ...]) -> tuple[RuleResult, ...]:
    """The first error of the first check that has one is where to start; what comes again follows from its first."""
    every = [f for r in rows for f in r.findings]
    first = next((f for s in ("error", "warning") for f in every if f.severity == s), None)

    def marked(one: Finding) -> Finding:
        again = next(f for f in every if f.rule == one.rule) is not one
        return dataclasses.replace(one, primary=one is first, follows_from=(one.rule,) if again else ())

    return tuple(dataclasses.replace(r, findings=tuple(map(marked, r.findings))) for r in rows)
