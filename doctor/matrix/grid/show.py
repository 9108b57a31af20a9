"""One release as `qvl-doctor matrix show` gives it."""

from __future__ import annotations

import json
from typing import Any

from doctor.base.text import clean
from doctor.facts import normalize
from doctor.matrix import rows
from doctor.matrix.files.row import Row

SCHEMA = 1


def release(project: str, version: str) -> dict[str, Any] | None:
    """The release's row in the form of the JSON contract; None where the data does not cover it."""
    row, covered = rows.row(project, version), rows.releases(project)
    if row is None or covered is None:
        return None
    place = covered.place(version)
    known = covered.versions[place] if place is not None else version
    wheel = row.get("wheel", {})
    return {
        "schema": SCHEMA,
        "name": normalize(project),
        "version": known,
        "yanked": known in covered.yanked,
        "wheel": {"filename": wheel.get("filename"), "sha256": wheel.get("sha256")},
        "tags": sorted(row.get("tags", {})),
        "requires": [line for _, lines in sorted(row.get("requires", {}).items()) for line in lines],
        "requires_python": row.get("meta", {}).get("requires_python"),
        "scripts": row.get("scripts", {}),
        "architectures": {b: sorted(found) for b, found in _by_backend(row, "architectures").items()},
        "quantization": _by_backend(row, "quantization"),
        "kv_cache": row.get("kv_cache", {}),
        "flags": {name: _flag(flag) for name, flag in row.get("flags", {}).items()},
        "model_types": sorted(row.get("model_types", {})),
        "checks": row.get("checks", {}),
        "imports": [_import(key, when, file) for key, (when, file) in sorted(row.get("imports", {}).items())],
        "build": row.get("build", {}),
        "notes": row.get("notes", {}),
    }


def text(found: dict[str, Any]) -> str:
    """A release for people: one section a kind of fact."""
    lines = [f"{found['name']} {found['version']}{' (retracted)' if found['yanked'] else ''}"]
    lines.append(f"wheel         {found['wheel']['filename']}  sha256 {found['wheel']['sha256']}")
    lines.append(f"python        {found['requires_python'] or 'not declared'}")
    lines += [f"requires      {line}" for line in found["requires"] if "extra ==" not in line]
    lines += [f"checks        {name} {json.dumps(v)}" for name, v in found["checks"].items()]
    for backend, methods in found["quantization"].items():
        lines += [f"quantization  {backend}: {m} {json.dumps(v) if v else ''}".rstrip() for m, v in methods.items()]
    lines += [f"kv cache      {name}" for name in found["kv_cache"]]
    for backend, architectures in found["architectures"].items():
        lines.append(f"architectures {backend}: {len(architectures)}: {' '.join(architectures)}")
    for name, flag in found["flags"].items():
        choices = f" of {' '.join(map(str, flag['choices']))}" if flag["choices"] else ""
        lines.append(f"flag          {name} {flag['type']}{choices}, default {json.dumps(flag['default'])}")
    lines += [
        f"import        {i['when']:8} {i['module']}{':' + i['name'] if i['name'] else ''}" for i in found["imports"]
    ]
    return clean("\n".join(lines))


def _by_backend(row: Row, kind: str) -> dict[str, dict[str, Any]]:
    return {k.removeprefix(f"{kind}."): dict(sorted(v.items())) for k, v in row.items() if k.startswith(f"{kind}.")}


def _flag(flag: dict[str, Any]) -> dict[str, Any]:
    return {"type": flag.get("type"), "choices": None, "default": None, **flag}


def _import(key: str, when: str, file: str) -> dict[str, Any]:
    module, _, name = key.partition(":")
    return {"module": module, "name": name or None, "when": when, "file": file}
