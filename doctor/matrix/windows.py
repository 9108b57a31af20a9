"""Which releases of a distribution would do, how to get there from the one that is here, and how that is said.

One place for the advice before a crash (the rules, from facts) and after it (the log reader).
"""

from __future__ import annotations

from functools import cached_property

from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.findings import Action, Evidence, Remediation
from doctor.matrix.releases import ReleaseSet


@dataclass(frozen=True)
class Window:
    """`having`: the releases that have what is missing. `fitting`: those that have all else as well, if any.

    `version` is the installed one. It and `fitting` are None where nothing is known of them.
    """

    distribution: str
    version: str | None
    having: ReleaseSet
    fitting: ReleaseSet | None = None

    @property
    def chosen(self) -> ReleaseSet:
        """What to install: the releases that fit everything, or at least have what is missing."""
        return self.fitting if self.fitting is not None and self.fitting.newest else self.having

    @cached_property
    def direction(self) -> str | None:
        """`upgrade` or `downgrade` to the nearest release that will do; None where the installed one is among them.

        Where the installed version is unknown, what the newest release has was missing in an older one, and what it
        lacks was taken away.
        """
        oldest, newest = self.chosen.oldest, self.chosen.newest
        if oldest is None or newest is None:
            return None
        here = _parsed(self.version)
        if here is None:
            known = self.chosen.releases.everything().newest
            return "upgrade" if newest == known else "downgrade"
        if here < Version(oldest):
            return "upgrade"
        return "downgrade" if here > Version(newest) else None

    def remediation(self, besides: str | None = None) -> Remediation:
        """The way out: another release of the distribution; safe where all that is known to be needed is in it.

        `besides` is what has to change too where no release has everything.
        """
        specifier, direction = self.chosen.spec(), self.direction or "install"
        title = f"{direction} {self.distribution} to {specifier}"
        fits = self.fitting is not None and bool(self.fitting.newest)
        if self.fitting is not None and not fits and besides:
            title += "; no release has every imported name, so "
            title += f"{besides} or a package next to it must change too"
        action = Action("install", package=self.distribution, specifier=specifier, direction=direction)
        return Remediation(title, (action,), "safe" if fits else "unsafe")

    def evidence(self, what: str) -> Evidence:
        """Which releases have it, beside the one that is here."""
        here = f"{self.distribution} {self.version}" if self.version else None
        having = f"{self.distribution} {self.having.spec()}"
        return Evidence(what, here, having, "names read from the published wheels")


def window_of(distribution: str, version: str | None, having: ReleaseSet | None) -> Window | None:
    """The window where nothing is known but who has what is missing; None where no known release has it."""
    if having is None or not having.newest:
        return None
    return Window(distribution, version, having)


def _parsed(version: str | None) -> Version | None:
    try:
        return Version(version) if version else None
    except InvalidVersion:
        return None
