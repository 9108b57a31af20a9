"""A server in WSL may not be reachable from other machines.

By default, WSL is behind NAT: programs in Windows reach the server at `localhost` as long as `localhostForwarding` is
not `false`, and other machines do not reach it at all.

What to do: for other machines, set `networkingMode=mirrored` in `.wslconfig` (Windows 11 22H2) and open the port in the
Hyper-V firewall, or forward it with `netsh interface portproxy`. Either way, the server must listen on `0.0.0.0`, not
on `127.0.0.1`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual, no_wsl, wsl_of
from doctor.launch.options import option
from doctor.matrix.engines import option_names
from doctor.rules.rule import Rule, Verdict

MIRRORED = (
    "`.wslconfig` `[wsl2]`: `networkingMode=mirrored`; run `wsl --shutdown`; as admin "
    "`New-NetFirewallHyperVRule -Name qvl -DisplayName qvl -Direction Inbound -VMCreatorId "
    "'{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}' -Protocol TCP -LocalPorts PORT`"
)


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A warning where even Windows does not reach it, else a note on who does not."""
    wsl = wsl_of(case.facts)
    if wsl is None:
        yield from no_wsl()
        return
    config = next((c for c in wsl.configs if c.networking_mode or c.localhost_forwarding is not None), None)
    mode = (config.networking_mode if config else None) or "nat"
    if mode == "none":
        yield _found(
            rule, "`networkingMode=none` cuts this WSL off from the network; a server needs one.", mode, "none", "error"
        )
    elif mode == "nat" and config and config.localhost_forwarding is False:
        yield _found(
            rule,
            "`localhostForwarding=false` keeps Windows from reaching a server in this WSL at `localhost`.",
            "localhostForwarding=false",
            "forwarding",
            "warning",
        )
    elif mode == "nat":
        host = option(case.facts, *option_names("host"))
        listens = f" (it will listen on `{host}`)" if host else ""
        yield _found(
            rule,
            f"WSL is behind NAT: Windows reaches a server here at `localhost`{listens}, other machines do not.",
            mode,
            "nat",
            "note",
        )


def _found(rule: Rule, message: str, observed: str, key: str, severity: str) -> Verdict:
    mend = (
        MIRRORED
        if key != "forwarding"
        else "set `localhostForwarding=true` under `[wsl2]` in `.wslconfig`, then `wsl --shutdown`"
    )
    return rule.about(
        message,
        manual(mend),
        observed=observed,
        key=key,
        where=".wslconfig",
        severity="error" if severity == "error" else "warning" if severity == "warning" else "note",
    )


RULE = Rule(code="SYS029", name="wsl-network", severity="note", check=check, needs=("host",))
