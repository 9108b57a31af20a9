"""A scraper targets this server, but the server does not serve metrics there.

Prometheus scrapes `/metrics`; if a server does not have it, the target is `down` or the dashboards stay empty, and the
server itself reports nothing. SGLang serves metrics only with `--enable-metrics`; so does LMDeploy up to 0.10.2, while
LMDeploy 0.11.0 and newer serves them unless `--disable-metrics` is given. vLLM always serves them, but without its own
metrics if `--disable-log-stats` is given.

What to do: add or drop the option named in the message, or point the scraper at the port that the server listens on.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.address import LOCAL, split_address
from doctor.derived.case import Case
from doctor.derived.neighbors import Lead, around, lead, reached, server_behind
from doctor.facts import Facts, Gateway, Neighbor, Scrape, present
from doctor.findings import Action, Evidence, Location, NotApplicable, Open, Remediation
from doctor.launch.options import option
from doctor.launch.server import Server, server
from doctor.matrix import rows
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for a switch, or for a target on this host with another port."""
    facts = case.facts
    gateway: Gateway = present(facts, "gateway", Gateway)
    here = server(facts)
    if gateway.kind != "prometheus" or here is None:
        yield NotApplicable("no server and scraper to compare")
        return
    mine = [s for s in gateway.scrapes if s.path.rstrip("/") == "/metrics"]
    for scrape, behind in _amiss(facts, mine):
        yield _elsewhere(rule, gateway, scrape, behind)
    for scrape in mine:
        found = _lead(facts, scrape)
        if found is not None and found.kind == "apart" and found.neighbor is not None and found.neighbor.engine:
            yield _apart(rule, gateway, scrape, found.neighbor)
    at = [s for s in mine if _port(s) == here.port and _leads_here(facts, s)]
    if not at:
        local = next((s for s in mine if s.target.rpartition(":")[0] in LOCAL), None)
        if local is not None and len(mine) == 1 and not around(facts):
            yield _elsewhere(rule, gateway, local, here)
        return
    if here.version is None:
        yield Open(f"the release of {here.engine} is not known, nor whether it exposes metrics by default")
        return
    yield from _switch(rule, facts, at[0], here)


def _lead(facts: Facts, scrape: Scrape) -> Lead | None:
    """Where a target leads in the deployment."""
    services = around(facts)
    client = next((n for n in services if "prometheus" in (n.image or "") or "victoria" in (n.image or "")), None)
    address = split_address(f"http://{scrape.target}")
    return lead(services, address, client) if services and address else None


def _amiss(facts: Facts, scrapes: list[Scrape]) -> Iterator[tuple[Scrape, Server]]:
    """Targets that name a service of the deployment, but another port than its server's or any that it publishes."""
    for scrape in scrapes:
        found = _lead(facts, scrape)
        if found is None or found.kind != "service" or found.neighbor is None:
            continue
        behind = server_behind(facts, found.neighbor)
        if behind is not None and behind.port not in (None, found.port):
            yield scrape, reached(found.neighbor, behind)


def _leads_here(facts: Facts, scrape: Scrape) -> bool:
    """Whether a target is the server that is checked, as far as the deployment says it."""
    found = _lead(facts, scrape)
    return found is None or found.neighbor is None or found.neighbor.mine


def _port(scrape: Scrape) -> int | None:
    text = scrape.target.rpartition(":")[2]
    return int(text) if text.isdigit() and len(text) < 6 else None


def _switch(rule: Rule, facts: Facts, scrape: Scrape, here: Server) -> Iterator[Verdict]:
    gateway: Gateway = present(facts, "gateway", Gateway)
    flags = (rows.row(here.engine, here.version or "", "flags") or {}).get("flags", {})
    if not flags:
        yield Open(f"the options of {here.engine} {here.version} are not in the data")
        return
    on, off = here.data.option("metrics"), here.data.option("metrics_off") or ""
    way: tuple[str, str | None] | None = None
    if off in flags and option(facts, off) is not None:
        what, way = f"`{off}` turns off the engine's own metrics", (off, None)
    elif on and on in flags and option(facts, on) is None:
        what, way = f"{here.shown} exposes metrics only with `{on}`", (on, "")
    elif on and off and on not in flags and off not in flags:
        what = f"{here.shown} exposes no metrics"
    else:
        return
    title = f"use `{on}`" if way and way[0] == on else f"remove `{off}`"
    actions = (Action("set_argument", name=way[0], value=way[1]),) if way else ()
    yield rule.finding(
        f"`{scrape.target}` is scraped for `{scrape.path}`, but {what}",
        key="switch", location=Location("file", gateway.path, gateway.path, scrape.line),
        evidence=[Evidence("metrics", what.replace("`", ""), "served", f"flags of {here.shown}")],
        remediations=[Remediation(title, actions, "safe")] if way else [],
    )  # fmt: skip


def _apart(rule: Rule, gateway: Gateway, scrape: Scrape, there: Neighbor) -> Verdict:
    networks = ", ".join(f"`{n}`" for n in there.networks[:4])
    text = f"add the network `{there.networks[0]}` to the scraper's service"
    return rule.finding(
        f"`{scrape.target}` is scraped, but `{there.service}` is only on the network {networks}, "
        "and the scraper is not",
        key=f"network:{scrape.target}", location=Location("file", gateway.path, gateway.path, scrape.line),
        evidence=[Evidence("networks", "none in common", networks, "networks of the compose project")],
        remediations=[Remediation(text, (Action("manual", text=text),))],
    )  # fmt: skip


def _elsewhere(rule: Rule, gateway: Gateway, scrape: Scrape, here: Server) -> Verdict:
    text = f"scrape port {here.port}"
    return rule.finding(
        f"`{scrape.target}` is scraped, but {here.engine} {here.listens} port {here.port}",
        key=f"port:{scrape.target}", location=Location("file", gateway.path, gateway.path, scrape.line),
        evidence=[Evidence("port", scrape.target, str(here.port), f"flags of {here.shown}")],
        remediations=[Remediation(text, (Action("manual", text=text),))],
    )  # fmt: skip


RULE = Rule(code="CMD025", name="metrics-not-served", severity="warning", check=check, needs=("gateway", "launch"))
