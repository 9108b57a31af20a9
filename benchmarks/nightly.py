"""What broke today: new releases, every engine linked on paper against them, and its default installations.

    python benchmarks/nightly.py --out FOLDER [--data FOLDER] [--from DIR|URL] [--engines vllm ...] [--last 3]
                                 [--against transformers] [--installed FOLDER]

1. `matrix update` reads new releases into `--data` (kept from night to night; OUT/data where none is given).
2. Each of the last releases of every engine is linked on paper against the newest releases of the library: which of
   these its requirements admit, which names its serving path and its models import that they do not have.
3. What an installer would resolve for each of these engine releases is checked as `check` does, for an H100. With
   `--installed` the environments FOLDER/ENGINE==VERSION are checked instead, by their files.
4. OUT gets `index.html`, a grid of each engine, `feed.xml` and `nightly.json`, which the next night compares with.

Ends with 1 where a default installation has an error that the releases themselves do not bear out (it was released so,
and it works), with 3 where something could not be read or resolved, else with 0. The machine needs a package index or
`--from`; nothing of any release is executed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

DOCTOR = [sys.executable, "-m", "doctor"]
MODEL = "Qwen/Qwen2.5-VL-7B-Instruct"
LAUNCHES = {
    "vllm": ["vllm", "serve", MODEL],
    "sglang": ["python", "-m", "sglang.launch_server", "--model-path", MODEL],
    "lmdeploy": ["lmdeploy", "serve", "api_server", MODEL],
}
MACHINE = ["--gpu", "H100:80GB:9.0", "--driver", "595.80"]
PYTHON, PLATFORM = "3.12", "x86_64-manylinux_2_39"
CALM, ALARM, TROUBLE = 0, 1, 3


@dataclass
class Break:
    """A release of a library that an engine's release admits, or that is newer than it, and what it does not have."""

    engine: str
    version: str
    library: str
    release: str
    admitted: bool
    names: list[str] = field(default_factory=list)  # that every launch imports
    models: dict[str, list[str]] = field(default_factory=dict)  # module of a model -> names that it imports

    @property
    def key(self) -> str:
        """What tells it from others, from night to night."""
        return f"{self.engine}=={self.version} {self.library}=={self.release}"


@dataclass
class Default:
    """What a plain installation of an engine's release resolves to, and the errors that `check` finds in it.

    `alarms` are those that the releases do not bear out; `problem` is why nothing could be checked.
    """

    engine: str
    version: str
    pins: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    problem: str | None = None


@dataclass
class Night:
    """All that a night found."""

    day: str
    data: str = ""
    added: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    defaults: list[Default] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status."""
        if any(one.alarms for one in self.defaults):
            return ALARM
        return TROUBLE if self.failed or any(one.problem for one in self.defaults) else CALM


def run(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """One command of this tree's doctor, or of the tools that it brings."""
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(words, input=text, capture_output=True, text=True, env=environ, cwd=ROOT, timeout=1800)


def updated(night: Night, where: str | None) -> None:
    """Reads what is new."""
    done = run(*DOCTOR, "matrix", "update", "--format", "json", *(["--from", where] if where else []))
    try:
        said = json.loads(done.stdout)
    except ValueError:
        night.failed.append(done.stderr.strip()[-300:] or "matrix update said nothing")
        return
    night.added = [f"{one['project']} {one['version']}" for one in said["added"]]
    night.failed = [f"{one['project']} {one['version']}: {one['problem']}" for one in said["failed"]]


def last_releases(project: str, number: int) -> list[str]:
    """The newest final releases, the newest first."""
    from packaging.version import Version

    from doctor.matrix import rows

    known = rows.releases(project)
    final = [v for v in known.versions if v not in known.yanked and not Version(v).is_prerelease] if known else []
    return final[::-1][:number]


def linked(engine: str, version: str, library: str, release: str) -> Break | None:
    """What a release of the library does not have for a release of the engine; None where it has everything."""
    from doctor.matrix import rows
    from doctor.matrix.compat import compatibility
    from doctor.matrix.providers import releases_with

    found = compatibility(engine, version, library)
    if found is None:
        return None
    names = [b.subject for b in found.against(release) if b.kind == "derived"]
    models: dict[str, list[str]] = {}
    kind = "imports.models"
    for key in (rows.row(engine, version, kind) or {}).get(kind, {}):
        user, _, imported = key.partition(" ")
        module, _, name = imported.partition(":")
        having = releases_with(library, module, name or None) if module.partition(".")[0] == library else None
        if having is not None and having.contains(release) is False and having.newest:
            models.setdefault(user, []).append(imported)
    admitted = found.declared.contains(release) is True
    return Break(engine, version, library, release, admitted, names, models) if names or models else None


def resolved(engine: str, version: str, where: str | None) -> tuple[dict[str, str], str | None]:
    """The pins of a plain installation, or why there are none."""
    folder = where and Path(where.removeprefix("file://"))
    source = ["--no-index", "--find-links", str(folder)] if folder and folder.is_dir() else []
    source = source or (["--default-index", where] if where else [])
    words = [sys.executable, "-m", "uv", "pip", "compile", "-q", "--no-header", "--no-annotate", *source]
    words += ["--python", sys.executable, "--python-version", PYTHON, "--python-platform", PLATFORM]
    for more in ([], ["--prerelease", "allow"]):  # a release that pins a pre-release can be installed only so
        done = run(*words, *more, "-", text=f"{engine}=={version}\n")
        if done.returncode == 0:
            lines = (line.partition(";")[0].strip() for line in done.stdout.splitlines())
            pairs = (line.partition("==") for line in lines if "==" in line)
            return {name: version for name, _, version in pairs}, None
    return {}, " ".join(done.stderr.split())[-300:]


def checked(one: Default, folder: Path, installed: Path | None) -> None:
    """What `check` says of a default installation."""
    place = installed / f"{one.engine}=={one.version}" if installed else None
    if place is not None:
        target = ["--python", str(place)]
    else:
        file = folder / f"{one.engine}-{one.version}.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in sorted(one.pins.items())))
        target = ["--requirements", str(file), "--python-version", PYTHON]
    done = run(*DOCTOR, "check", *target, *MACHINE, "--offline", "--format", "json", "--", *LAUNCHES[one.engine])
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        one.problem = done.stderr.strip()[-300:]
        return
    found = [f for f in answer["findings"] if f["severity"] == "error" and not f["code"].startswith("MEM")]
    one.errors = [f"{f['code']} {f['message']}" for f in found]
    one.alarms = [said for said in one.errors if not _borne_out(one, said)]


def _borne_out(one: Default, error: str) -> bool:
    """Whether the wheels say the same: a name that this engine imports and that the pinned release does not have."""
    for library in ("transformers", "huggingface-hub", "tokenizers", "accelerate"):
        release = one.pins.get(library)
        gap = linked(one.engine, one.version, library, release) if release else None
        if gap is not None and any(name.rpartition(":")[2].rpartition(".")[2] in error for name in gap.names):
            return True
    return False


def night_of(given: argparse.Namespace, folder: Path) -> Night:
    """Everything, in order."""
    from doctor.matrix.files.data import data_version

    night = Night(datetime.now(timezone.utc).strftime("%Y-%m-%d"))
    updated(night, given.where)
    night.data = data_version()
    fresh = [one.partition(" ")[2] for one in night.added if one.startswith(f"{given.against} ")]
    releases = list(dict.fromkeys([*fresh, *last_releases(given.against, given.last)]))
    for engine in given.engines:
        for version in last_releases(engine, given.last):
            night.breaks += [b for r in releases if (b := linked(engine, version, given.against, r)) is not None]
            one = Default(engine, version)
            if given.installed is None:
                one.pins, one.problem = resolved(engine, version, given.where)
            elif not (given.installed / f"{engine}=={version}").is_dir():
                continue
            night.defaults.append(one)
            if one.problem is None:
                checked(one, folder, given.installed)
    return night


def main() -> int:
    """Runs the night and writes what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--from", dest="where")
    parser.add_argument("--engines", nargs="*", default=list(LAUNCHES), choices=list(LAUNCHES))
    parser.add_argument("--last", type=int, default=3)
    parser.add_argument("--against", default="transformers")
    parser.add_argument("--installed", type=Path)
    given = parser.parse_args()
    out = given.out.absolute()
    (out / "pins").mkdir(parents=True, exist_ok=True)
    os.environ["QVL_DOCTOR_DATA"] = str((given.data or out / "data").absolute())  # before anything reads the data
    import nightly_page

    night = night_of(given, out / "pins")
    before = nightly_page.previous(out)
    for engine in given.engines:
        words = ("matrix", "show", engine, given.against, "--format", "html", "--output", str(out / f"{engine}.html"))
        done = run(*DOCTOR, *words)
        if done.returncode:
            night.failed.append(f"grid of {engine}: {done.stderr.strip()[-200:]}")
    nightly_page.write(out, night, before, given.engines)
    print(json.dumps({"added": night.added, "failed": night.failed, "status": night.status,
                      "alarms": {f"{d.engine}=={d.version}": d.alarms for d in night.defaults if d.alarms},
                      "problems": {f"{d.engine}=={d.version}": d.problem for d in night.defaults if d.problem},
                      "breaks": [b.key for b in night.breaks]}, indent=1))  # fmt: skip
    return night.status


if __name__ == "__main__":
    raise SystemExit(main())
