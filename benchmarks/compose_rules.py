"""Compose's rules, case by case: what we make of a project against `docker-compose config` itself.

    python benchmarks/compose_rules.py [--tool docker-compose] [--only WORD] [--show]

Each case is a folder of files with the words of a command line. Both read it; for every service that Compose starts, its
image, build, command, variables, ports, volumes, GPUs, health check and the other values that rules look at are compared,
and so is whether the project is refused. Prints each difference and the figure; the status is 1 with any difference.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.compose_cases import CASES, Case  # noqa: E402
from doctor.collect.declared.compose.project import Project  # noqa: E402
from doctor.collect.declared.compose.service import _started_of, project_of, started  # noqa: E402
from doctor.collect.declared.request import Composing, DeclaredRequest  # noqa: E402
from doctor.collect.declared.service import Service  # noqa: E402
from doctor.collect.python.target import TargetError  # noqa: E402
from doctor.launch.container import patience  # noqa: E402

SHELL = {"SHELL_VAR": "from-shell", "EMPTY": ""}


def main() -> int:
    """Prints the differences; 1 where there are any, 2 without the tool."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tool", default="docker-compose")
    options.add_argument("--only", default="")
    options.add_argument("--show", action="store_true", help="print what both make of each case")
    asked = options.parse_args()
    tool = shutil.which(asked.tool)
    if tool is None:
        print(f"{asked.tool} was not found")
        return 2
    chosen = [c for c in CASES if asked.only in c.name]
    wrong = 0
    for case in chosen:
        with tempfile.TemporaryDirectory() as folder:
            found = compared(case, Path(folder).resolve(), tool, asked.show)
        wrong += bool(found)
        print(f"{'ok   ' if not found else 'WRONG'} {case.name}", *(f"\n      {line}" for line in found))
    print(f"{len(chosen) - wrong} of {len(chosen)} projects are read as docker-compose reads them")
    return int(bool(wrong))


def compared(case: Case, folder: Path, tool: str, show: bool) -> list[str]:
    """What differs, a line each."""
    for name, text in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    theirs, ours = _theirs(case, folder, tool), _ours(case, folder)
    if show:
        print(f"--- {case.name}\ntheirs {theirs}\nours   {ours}")
    if isinstance(theirs, str) or isinstance(ours, str):
        if isinstance(theirs, str) and isinstance(ours, str):
            return []
        return [f"theirs: {theirs if isinstance(theirs, str) else 'accepted'}", f"ours: {ours if isinstance(ours, str) else 'accepted'}"]
    out = []
    for name in sorted({*theirs, *ours}):
        for key in sorted({*theirs.get(name, {}), *ours.get(name, {})}):
            a, b = theirs.get(name, {}).get(key), ours.get(name, {}).get(key)
            if a != b:
                out.append(f"{name}.{key}: theirs {a!r}, ours {b!r}")
    return out


def _theirs(case: Case, folder: Path, tool: str) -> dict[str, dict[str, Any]] | str:
    words = [tool, *case.words, "config", "--format", "json"]
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": os.path.expanduser("~"), **SHELL, **case.environ}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environ, timeout=60, check=False)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:300] if done.stderr.strip() else "refused"
    services = json.loads(done.stdout).get("services") or {}
    return {name: _canonical(raw, str(folder)) for name, raw in services.items()}


def _canonical(raw: dict[str, Any], folder: str) -> dict[str, Any]:
    """A service of `config` by the values that we compare."""
    deploy = raw.get("deploy") or {}
    devices = raw.get("gpus") or deploy.get("resources", {}).get("reservations", {}).get("devices") or []
    build = raw.get("build") or {}
    health = raw.get("healthcheck") or {}
    found = {
        "image": raw.get("image"), "command": raw.get("command"), "entrypoint": raw.get("entrypoint"),
        "environment": {k: v for k, v in (raw.get("environment") or {}).items() if v is not None},
        "ports": sorted(_port(p) for p in raw.get("ports") or ()),
        "volumes": sorted(f"{_here(v.get('source') or '', folder)}:{v['target']}" for v in raw.get("volumes") or ()),
        "working_dir": raw.get("working_dir"), "ipc": raw.get("ipc"), "runtime": raw.get("runtime"),
        "shm_size": int(raw["shm_size"]) if raw.get("shm_size") else None,
        "networks": sorted(raw.get("networks") or ()) if not raw.get("network_mode") else [],
        "build": _here(context or None, folder) if "://" not in (context := build.get("context") or "") else None, "stage": build.get("target"), "arguments": build.get("args") or {},
        "devices": sorted(map(_device, devices), key=_most)[-1:],
        "restart": raw.get("restart") or (deploy.get("restart_policy") or {}).get("condition"),
        "test": None if health.get("disable") else health.get("test"),
        "patience": patience(health.get("start_period"), health.get("interval"), str(health["retries"]) if health.get("retries") else None)
        if health.get("test") not in (None, ["NONE"]) and not health.get("disable") else None,
        "labels": raw.get("labels") or {}, "cap_add": raw.get("cap_add") or [], "depends_on": sorted(raw.get("depends_on") or ()),
        "extra_hosts": sorted(set(raw.get("extra_hosts") or ())), "memory": max(0, int(raw.get("mem_limit") or deploy.get("resources", {}).get("limits", {}).get("memory") or 0)),
    }  # fmt: skip
    return {k: _dollars(v) for k, v in found.items()}


def _dollars(value: Any) -> Any:
    """`config` writes each dollar twice, so that it can be read again."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {_dollars(k): _dollars(v) for k, v in value.items()}
    return [_dollars(v) for v in value] if isinstance(value, list) else value


def _port(raw: dict[str, Any]) -> str:
    outer = f"{raw['published']}:" if raw.get("published") else ""
    address = raw.get("host_ip", "")
    address = f"[{address}]:" if ":" in address else address and f"{address}:"
    return f"{address}{outer}{raw['target']}/{raw.get('protocol', 'tcp')}"


def _here(path: str | None, folder: str) -> str | None:
    return path.replace(folder, "HERE") if isinstance(path, str) else path


def _device(raw: dict[str, Any]) -> str:
    ids = raw.get("device_ids")
    count = raw.get("count")
    many = ",".join(ids) if ids else "all" if count in (-1, "all", None) else str(count)
    return f"{many} {','.join(raw.get('capabilities') or ['gpu'])}"


def _most(device: str) -> int:
    many = device.split()[0]
    return 1 << 20 if many == "all" else many.count(",") + 1 if "," in many else int(many)


def _ours(case: Case, folder: Path) -> dict[str, dict[str, Any]] | str:
    request = DeclaredRequest(compose=_first(case, folder), composing=_composing(case))
    environ = {**SHELL, **case.environ, "HOME": os.path.expanduser("~")}
    try:
        project = project_of(request, environ, str(folder))
        names = list(_started_of(project, request))
        services = {n: started(project, n, request.compose or "") for n in names}
    except TargetError as error:
        return str(error)
    if not project.services:
        return "no services"
    out: dict[str, dict[str, Any]] = {}
    for name, service in services.items():
        assert service.container is not None
        bad = [n for n in (*service.notes, *service.container.refused) if "does not start" in n or n in service.container.refused]
        if bad:
            return bad[0]
        out[name] = _of_ours(project, name, service, str(folder))
    return out


def _first(case: Case, folder: Path) -> str:
    named = _values(case.words, "-f")
    if named:
        return named[0]
    from doctor.collect.declared.compose.project import DEFAULTS

    return next(n for n in DEFAULTS if (folder / n).exists())


def _values(words: tuple[str, ...], option: str) -> list[str]:
    return [b for a, b in pairwise(words) if a == option]


def _composing(case: Case) -> Composing:
    files = _values(case.words, "-f")
    return Composing(
        tuple(files[1:]), tuple(_values(case.words, "--env-file")), tuple(_values(case.words, "--profile")),
        next(iter(_values(case.words, "--project-directory")), None), beside=not files,
    )  # fmt: skip


def _of_ours(project: Project, name: str, service: Service, folder: str) -> dict[str, Any]:
    """A service of ours by the same values."""
    raw = project.services[name]
    box = service.container
    assert box is not None
    return {
        "image": service.image, "command": _listed(service.command), "entrypoint": _listed(service.entrypoint),
        "environment": service.variables, "ports": sorted(_our_ports(box.ports)),
        "volumes": sorted(_our_volume(v, folder) for v in box.volumes),
        "working_dir": service.folder, "ipc": box.ipc, "runtime": box.runtime, "shm_size": box.shm_size,
        "networks": sorted(service.networks), "build": _here(service.context, folder), "stage": service.stage,
        "arguments": service.arguments, "devices": _our_devices(raw, box.gpus, box.capabilities),
        "restart": box.restart, "test": _test(raw.get("healthcheck")), "patience": box.patience,
        "labels": _labels(raw.get("labels")), "cap_add": [str(c) for c in raw.get("cap_add") or ()],
        "depends_on": sorted(_keys(raw.get("depends_on"))), "extra_hosts": sorted(_hosts(raw.get("extra_hosts"))),
        "memory": box.memory or 0,
    }  # fmt: skip


def _hosts(raw: Any) -> list[str]:
    if isinstance(raw, dict):
        return [f"{k}={v}" for k, v in raw.items()]
    return [str(v).replace(":", "=", 1) for v in raw or ()]


def _keys(raw: Any) -> list[str]:
    return [str(k) for k in raw or ()]


def _labels(raw: Any) -> dict[str, str]:
    if isinstance(raw, list):
        return {a: b for a, _, b in (str(v).partition("=") for v in raw)}
    return {str(k): "" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for k, v in (raw or {}).items()}


def _listed(words: tuple[str, ...] | None) -> list[str] | None:
    return list(words) if words is not None else None


def _test(raw: Any) -> list[str] | None:
    if not isinstance(raw, dict):
        return None
    if raw.get("disable") is True:
        return None
    test = raw.get("test")
    return ["CMD-SHELL", test] if isinstance(test, str) else [str(t) for t in test] if test else None


def _our_devices(raw: dict[str, Any], gpus: str | None, capabilities: tuple[str, ...]) -> list[str]:
    if gpus is None:
        return []
    return [f"{gpus.removeprefix('device=')} {','.join(capabilities or ('gpu',))}"]


def _our_ports(ports: tuple[str, ...]) -> list[str]:
    from doctor.collect.declared.compose.ports import port_fields as parts

    out = []
    for one in ports:
        if one == "host":
            continue
        host, published, target, protocol = parts(one)
        out.append(f"{host and host + ':'}{published and published + ':'}{target}/{protocol}")
    return out


def _our_volume(text: str, folder: str) -> str:
    parts = text.split(":")
    if len(parts) == 1:
        return f":{parts[0]}"
    return f"{_here(parts[0], folder)}:{parts[1]}"


if __name__ == "__main__":
    sys.exit(main())
