"""A health check as a Dockerfile's HEALTHCHECK and a compose file state it, and one over the other.

What a service leaves open is the image's (moby, daemon/commit.go: `merge`); the defaults are Docker's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts import Container
from doctor.launch.container import patience
from doctor.launch.waiting import checks

MOST = 100
_OPTION = late_pattern(r"--(interval|timeout|start-period|start-interval|retries)=(\S{1,40})\s+")
_VARIABLE = late_pattern(r"\$(?:(\w{1,100})|\{(\w{1,100})(?::?-([^{}$]{0,200}))?\})")


@dataclass(frozen=True)
class HealthCheck:
    """`test` are the words of the command, one text where a shell reads it (`shell`); None where it is not stated.

    `off`: there is to be none. The times are as written, None where they are not stated.
    """

    test: tuple[str, ...] | None = None
    shell: bool = False
    start_period: str | None = None
    interval: str | None = None
    retries: str | None = None
    off: bool = False

    def over(self, below: HealthCheck | None) -> HealthCheck:
        """With what it leaves open from the image's."""
        if below is None or self.off:
            return self
        own = self if self.test is not None else replace(self, test=below.test, shell=below.shell, off=below.off)
        return replace(
            own, start_period=own.start_period or below.start_period, interval=own.interval or below.interval,
            retries=own.retries or below.retries,
        )  # fmt: skip

    def on(self, container: Container, name: str, variables: Mapping[str, str]) -> Container:
        """The container with this health check; `name` is what it is called there, `variables` are the container's."""
        if self.off:
            return replace(container, healthcheck=False, patience=None, probed=())
        if self.test is None:
            return replace(container, healthcheck=True, patience=None, probed=())
        words = [filled(w, variables) for w in self.test] if self.shell else list(self.test)
        seconds = patience(self.start_period, self.interval, self.retries)
        return replace(container, healthcheck=True, patience=seconds, probed=checks(name, words)[:MOST])


def of_dockerfile(rest: str, listed: tuple[str, ...] | None) -> HealthCheck | None:
    """HEALTHCHECK without its keyword; `listed` are the words of its command where that is in the list form."""
    options, after = _options_of(rest)
    word, _, command = after.partition(" ")
    if word.upper() == "NONE":
        return HealthCheck(off=True)
    if word.upper() != "CMD":
        return None
    test, shell = (listed, False) if listed is not None else ((command.strip(),), True)
    return HealthCheck(test, shell, options.get("start-period"), options.get("interval"), options.get("retries"))


def command_of(rest: str) -> str:
    """The command of HEALTHCHECK, behind its options and CMD."""
    return _options_of(rest)[1].partition(" ")[2].strip()


def _options_of(rest: str) -> tuple[dict[str, str], str]:
    """The options that HEALTHCHECK begins with, and what stands behind them: the command may have such words, too."""
    options: dict[str, str] = {}
    rest = rest.lstrip()
    while (found := _OPTION.match(rest)) is not None:
        options[found[1]] = found[2]
        rest = rest[found.end() :]
    return options, rest.strip()


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A text for a shell with the variables that are known; one that is not known stays as it is written."""

    def value(found: re.Match[str]) -> str:
        known = variables.get(found[1] or found[2])
        return known if known else found[3] if found[3] is not None else found[0]

    return _VARIABLE.sub(value, text)
