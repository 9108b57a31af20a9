"""WSL shuts down its virtual machine when no window is open, and a server with it.

When the last WSL window closes, the instance ends after a minute (`vmIdleTimeout`); services, including those of
systemd, do not keep it alive, and without systemd there are none.

What to do: keep a window open, start the server from the Windows Task Scheduler (`wsl -d DISTRIBUTION -- ...`), or set
`vmIdleTimeout=-1`. To enable systemd, set `[boot]` `systemd=true` in `/etc/wsl.conf`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual, no_wsl, wsl_of
from doctor.findings import NotApplicable
from doctor.rules.rule import Rule, Verdict

SHORT = 60_000


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A note, unless the idle time was raised; a warning where it was lowered."""
    wsl = wsl_of(case.facts)
    if wsl is None:
        yield from no_wsl()
        return
    said = next((c for c in wsl.configs if c.vm_idle_timeout is not None), None)
    timeout = said.vm_idle_timeout if said and said.vm_idle_timeout is not None else SHORT
    if timeout < 0 or timeout > SHORT:
        yield NotApplicable("the idle time was raised")
        return
    systemd = "" if wsl.systemd else ", and systemd, which could restart a server, is off"
    yield rule.about(
        f"WSL ends {timeout / 1000:g} s after its last window closes, and a server with it{systemd}.",
        manual(
            "set `vmIdleTimeout=-1` under `[wsl2]` in `.wslconfig`, then `wsl --shutdown`, or keep a WSL window open"
        ),
        observed=f"vmIdleTimeout={timeout}",
        expected="vmIdleTimeout=-1",
        where=said.path if said else ".wslconfig",
        severity="warning" if timeout < SHORT else "note",
    )


RULE = Rule(code="SYS030", name="wsl-idle-shutdown", severity="note", check=check, needs=("host",))
