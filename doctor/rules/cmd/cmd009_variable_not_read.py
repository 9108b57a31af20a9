"""An environment variable is set that this engine release does not read.

A variable with the engine's own prefix looks like a switch, but nothing warns you if no code reads it:
`LMDEPLOY_LOG_LEVEL` is not in any release (the option is `--log-level`), and `VLLM_USE_V1` was read by some releases
but no longer is. The server starts and behaves as if the variable were not set. The name is searched for in everything
that the release's source names.

A `VLLM_PORT` that holds an address (`tcp://...`) is set by Kubernetes for a service named `vllm`, and it stops the
server.

What to do: use the option or variable that the release has, and remove this one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.option_findings import argument, shown
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.launch.parser import Problem
from doctor.launch.table import Table
from doctor.launch.values import refusal
from doctor.matrix import rows
from doctor.rules.rule import Rule, Verdict

# what Kubernetes sets for a service that has the engine's name
_KUBERNETES = ("_SERVICE_HOST", "_SERVICE_PORT", "_PORT_TCP", "_PORT_UDP")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each variable with the engine's prefix that its release names nowhere."""
    found = case.asked
    if not isinstance(found, Asked):
        yield found
        return
    given = [n for n in found.launch.environ if n.startswith(found.data.environment)]
    if not given:
        yield NotApplicable(f"no variable of {found.engine} is set")
        return
    row = rows.row(found.engine, found.version, "environment") or {}
    known = row.get("environment")
    if not known:
        yield Open(f"the variables that {found.shown} reads are not in the data")
        return
    asking = {route.name for route in found.launch.routes}  # read by what runs in front of the server
    for name in given:
        if name == found.data.variables.get("port") and "://" in found.launch.environ[name]:
            yield _address(rule, found)
        elif name not in known and name not in asking and not _of_a_service(name, found.launch.environ[name]):
            yield _finding(rule, found, name, sorted(known))


def _of_a_service(name: str, value: str) -> bool:
    """Whether Kubernetes set the variable for a service such as `vllm-leader`."""
    return any(part in name for part in _KUBERNETES) or (name.endswith("_PORT") and "://" in value)


def _finding(rule: Rule, asked: Asked, name: str, known: list[str]) -> Finding:
    having = rows.releases_having(asked.engine, "environment", name)
    window = f"releases {having.spec()} read it" if having is not None and having.newest else "no release does"
    option = _as_option(asked.reading.table, name, asked.launch.environ[name])
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
    meant = f"; the option is `{option.spelled}`" if option else f"; the closest name is `{near[0]}`" if near else ""
    ways = []
    unset = Action("set_env", name=name, value=None)
    if option is not None and option.value is not None and asked.value(option.name) is None:
        title = f"use `{option.spelled} {shown(option.value, 60)}`"
        ways.append(Remediation(title, (unset, argument(option.name, option.value)), "safe"))
    elif near:
        step = Action("set_env", name=near[0], value=asked.launch.environ[name])
        ways.append(Remediation(f"set `{near[0]}`", (unset, step), "unsafe"))
    ways.append(Remediation(f"unset `{name}`", (unset,), "unsafe" if ways else "safe"))
    return rule.finding(
        f"`{name}` is set, but {asked.shown} does not read it: {window}{meant}", key=name,
        location=Location("argument", name), confidence="high" if having is not None else "medium",
        evidence=[Evidence(f"{name} in the source", "not there", None, f"{asked.shown}: its published wheel")],
        remediations=ways,
    )  # fmt: skip


def _as_option(table: Table, name: str, value: str) -> Problem | None:
    """`LMDEPLOY_LOG_LEVEL=debug` as `--log-level DEBUG`, where the release has that option."""
    bare = name.partition("_")[2].lower().replace("_", "-")
    option = table.option(f"--{bare}")
    if option is None:
        return None
    fitting = next((v for v in (value, value.upper(), value.lower()) if refusal(option, v) is None), None)
    if option.nargs == 0:
        fitting = "" if value.lower() in ("1", "true", "yes") else None
    return Problem("", option.name, option.name, fitting)


def _address(rule: Rule, asked: Asked) -> Finding:
    value = asked.launch.environ["VLLM_PORT"]
    text = "rename the Kubernetes service, or run with `env -u VLLM_PORT`"
    step = Remediation("give the service another name, or unset the variable", (Action("manual", text=text),))
    return rule.finding(
        f"`VLLM_PORT` is `{shown(value, 100)}`, but {asked.shown} expects a number", key="VLLM_PORT",
        severity="error", location=Location("argument", "VLLM_PORT"),
        evidence=[Evidence("VLLM_PORT", shown(value, 100), "a number", f"{asked.shown}: vllm/envs.py")],
        remediations=[step],
    )  # fmt: skip


RULE = Rule(
    code="CMD009", name="variable-not-read", severity="warning", check=check, needs=("launch", "distributions")
)
