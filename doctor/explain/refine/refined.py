"""What a refiner gives: the entry's message, advice and evidence made specific, and the two kinds of advice."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass
from doctor.findings import Action, Confidence, Evidence, Remediation


@dataclass(frozen=True, slots=True)
class Refined:
    """What a refiner changes of an entry; None and empty leave the entry's own."""

    message: str | None = None
    remediations: tuple[Remediation, ...] | None = None
    confidence: Confidence | None = None
    values: dict[str, str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()


def install(package: str, direction: str, specifier: str | None = None, title: str | None = None) -> Remediation:
    """One remediation with one install action; the title says the same in words."""
    spec = f"{package}{specifier or ''}"
    verb = {"upgrade": "upgrade", "downgrade": "downgrade", "install": "install", "reinstall": "reinstall"}[direction]
    words = title or {
        "upgrade": f"upgrade {package}: pip install -U '{spec}'",
        "downgrade": f"downgrade {package} to an older release: pip install '{spec}'",
    }.get(direction, f"{verb} {package}: pip install '{spec}'")
    return Remediation(words, (Action("install", package=package, specifier=specifier, direction=direction),), "unsafe")


def manual(title: str) -> Remediation:
    """A remediation that a person has to carry out."""
    return Remediation(title, (Action("manual", text=title),))
