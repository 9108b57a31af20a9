"""Where a server of a user's compose project is reached, and what services of ours need to reach it there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.report.plan.objects import at, listed
from doctor.report.plan.recipe import THE_HOST, Recipe


def place_of(plans: Sequence[Recipe], others: Iterable[JsonObject] = (), *, published: bool = False) -> JsonObject:
    """The networks, profiles and hosts of a service that is to reach all servers, and `others` of the project.

    `published`: it has ports on this machine, which Docker does not publish where every network is internal.
    """
    own = [(p.own.service, p.own.services) for p in plans if p.own]
    theirs = [_behind(service, services) for service, services in own] + [dict(one) for one in others]
    out: JsonObject = {}
    named = [names for one in theirs if (names := _networks(one)) is not None]
    if any(n != ["default"] for n in named):
        networks = list(dict.fromkeys(n for names in named for n in names))
        closed = published and plans[0].own and all(_internal(plans[0].own.sections, n) for n in networks)
        out["networks"] = [*networks, "default"] if closed else networks
    if profiles := profiles_of(plans):
        out["profiles"] = profiles
    if any(p.host == THE_HOST for p in plans):
        out["extra_hosts"] = [f"{THE_HOST}:host-gateway"]
    return out


def profiles_of(plans: Sequence[Recipe]) -> list[str]:
    """The profiles of the servers, where none of them starts without one."""
    each = [_profiles(p) for p in plans]
    return list(dict.fromkeys(n for names in each for n in names)) if all(each) else []


def after(plans: Sequence[Recipe]) -> JsonObject:
    """What starts after the servers: healthy where it is the only one; one that may stay off is not waited for."""
    condition = "service_healthy" if len(plans) == 1 else "service_started"
    ours = set(profiles_of(plans))
    return {
        p.name: {"condition": condition, **({"required": False} if not _starts_with(p, ours) else {})} for p in plans
    }


def _starts_with(plan: Recipe, profiles: set[str]) -> bool:
    """Whether the server starts whenever a service of these profiles does."""
    mine = set(_profiles(plan))
    return not mine or (bool(profiles) and profiles <= mine)


def start_line(plans: Sequence[Recipe]) -> str:
    """The command that starts the project with its servers."""
    chosen = dict.fromkeys(names[0] for p in plans if (names := _profiles(p)))
    return f"docker compose {''.join(f'--profile {n} ' for n in chosen)}up --detach --wait"


def _profiles(plan: Recipe) -> list[str]:
    return [str(n) for n in listed(plan.own.service.get("profiles"))] if plan.own else []


def _internal(sections: Mapping[str, Any], network: str) -> bool:
    return at(sections, "networks", network).get("internal") is True


def on_host(service: Mapping[str, Any]) -> bool:
    """Whether it has the network of the machine."""
    return service.get("network_mode") == "host"


def _behind(service: Mapping[str, Any], services: Mapping[str, Any]) -> JsonObject:
    """The service itself, or the one whose network it uses."""
    kind, _, name = str(service.get("network_mode") or "").partition(":")
    found = services.get(name) if kind == "service" else None
    return dict(found) if isinstance(found, dict) else dict(service)


def _networks(service: Mapping[str, Any]) -> list[str] | None:
    """The names of its networks; None where it is in none of the project's."""
    told = service.get("networks")
    if service.get("network_mode"):
        return None
    names = [str(n) for n in told] if isinstance(told, (list, dict)) else []
    return names or ["default"]
