"""What `pip check` finds is what we find, on random environments of small wheels and on real ones."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from env_factory import make_venv, python_of, request, site_of, unpack, wheel

from doctor.collect.packages.distributions import read_distributions
from doctor.collect.python.target import find_target
from doctor.facts import Facts, normalize
from doctor.findings import Finding
from doctor.rules.engine import evaluate
from doctor.rules.pkg import PKG_RULES

_MISSING = re.compile(r"^(\S+) \S+ requires (\S+), which is not installed\.$")
_CONFLICT = re.compile(r"^(\S+) \S+ has requirement (.+), but you have (\S+) (\S+)\.$")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
MARKERS = (
    "", "", "", 'python_version >= "3.8"', 'python_version < "3.8"', 'sys_platform == "linux"',
    'sys_platform == "win32"',
    'platform_machine == "x86_64"', 'extra == "more"', 'python_full_version >= "3.10.0rc1" and os_name == "posix"',
    'platform_python_implementation != "CPython" or python_version > "3.7"', 'extra == "more" or os_name == "posix"',
    'platform_system == "Darwin"', 'implementation_name == "cpython"',
)  # fmt: skip
SPECIFIERS = ("", ">=1.0", "<2.0", "==1.*", "!=2.0", "~=1.1", ">=1.0,<1.5", "==2.0.post1", ">1.0rc1", "===1.0")
VERSIONS = ("1.0", "1.1.2", "1.5", "2.0", "2.0.post1", "2.0rc1", "1.0.dev3", "1.4+cu130", "0.9")


def pip_check(python: Path, paths: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """(who requires, what) of every line of `pip check`; with `paths`, of distributions in those folders."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_"))}
    if paths:
        env["PYTHONPATH"] = os.pathsep.join(paths)
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "check"]
    out = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert out.returncode in (0, 1), out.stderr
    found = set()
    for line in out.stdout.splitlines():
        if match := _MISSING.match(line):
            found.add((normalize(match[1]), normalize(match[2])))
        elif match := _CONFLICT.match(line):
            name = _NAME.match(match[2])
            found.add((normalize(match[1]), normalize(name[0] if name else "")))
        else:
            assert "No broken requirements" in line or "is not supported on this platform" in line, line
    return found


def ours(python: Path, paths: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """The same of PKG001, without what only an extra asks for: `pip check` leaves that out."""
    environ = {"PYTHONPATH": os.pathsep.join(paths)} if paths else {}
    target = find_target(request(python=str(python), environ=environ))
    return {
        (f.key.split(":")[0], normalize(re.split(r"[<>=!~]", f.key.split(":")[1])[0]))
        for f in unmet(Facts(target, read_distributions(target)))
        if ", which `" not in f.message
    }


def unmet(facts: Facts) -> list[Finding]:
    """The findings of PKG001."""
    (result,) = evaluate(facts, PKG_RULES[:1])
    assert result.status in ("pass", "fail"), result.reason
    return list(result.findings)


def lay_out(tmp: Path, site: Path, rng: random.Random) -> None:
    """Between five and fifteen distributions that require each other at random, missing ones too."""
    names = [f"Pkg{'-_.'[n % 3]}n{n}" for n in range(rng.randint(5, 15))]
    for name in names:
        lines = []
        for other in rng.sample([*names, "absent-one", "absent-two"], rng.randint(0, 4)):
            marker = rng.choice(MARKERS)
            specifier = rng.choice(SPECIFIERS)
            old_style = "===" not in specifier and rng.random() < 0.3  # old pips misread `(===1.0)`
            extra = rng.choice(("", "", "[more]"))
            written = f" ({specifier})" if old_style and specifier and not marker else specifier
            lines.append(f"{other}{extra}{written}" + (f" ; {marker}" if marker else ""))
        version = rng.choice(VERSIONS)
        unpack(wheel(tmp, name.replace(".", "-"), version, requires=tuple(lines), extras=("more",)), site)


@pytest.mark.parametrize("seed", range(12))
def test_random_environment(tmp_path: Path, seed: int, pip_venv: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    lay_out(tmp_path, site, random.Random(seed))
    paths = (str(site),)
    assert ours(python_of(pip_venv), paths) == pip_check(python_of(pip_venv), paths)


@pytest.fixture(scope="module")
def pip_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_venv(tmp_path_factory.mktemp("pip") / "v", pip=True)


def test_random_environments_do_find_something(tmp_path: Path, pip_venv: Path) -> None:
    found = 0
    for seed in range(4):
        site = tmp_path / str(seed)
        site.mkdir()
        lay_out(tmp_path, site, random.Random(seed))
        found += len(ours(python_of(pip_venv), (str(site),)))
    assert found >= 8


def test_environment_of_these_tests() -> None:
    assert ours(Path(sys.executable)) == pip_check(Path(sys.executable))


def test_extras_that_others_ask_for(tmp_path: Path) -> None:
    prefix = make_venv(tmp_path / "v")
    site = site_of(prefix)
    unpack(wheel(tmp_path, "server", requires=("web[standard]",)), site)
    lines = ("gone ; extra == 'standard'", "never ; extra == 'other'", "web[deep] ; extra == 'standard'")
    lines = (*lines, "far ; extra == 'deep'")
    lines = (*lines, "far ; extra == 'deep'")
    unpack(wheel(tmp_path, "web", requires=lines, extras=("standard", "other", "deep")), site)
    target = find_target(request(python=str(prefix)))
    findings = unmet(Facts(target, read_distributions(target)))
    by_extra = {f.key: f.message for f in findings if f.key.startswith("web")}
    assert set(by_extra) == {"web:gone", "web:far"}
    assert "`web[standard] 1.0`, which `server` requires, requires `gone`" in by_extra["web:gone"]


def test_engine_is_graver_and_direction_is_named(tmp_path: Path) -> None:
    prefix = make_venv(tmp_path / "v")
    site = site_of(prefix)
    unpack(wheel(tmp_path, "lmdeploy", requires=("low>=2.0", "high<=1.0", "exact==1.5", "gone")), site)
    unpack(wheel(tmp_path, "client", requires=("low>=2.0",)), site)
    for name in ("low", "high", "exact"):
        unpack(wheel(tmp_path, name, "1.4" if name != "high" else "1.4+cu1"), site)
    target = find_target(request(python=str(prefix)))
    found = {f.key: f for f in unmet(Facts(target, read_distributions(target)))}
    ways = {k: f.remediations[0].actions[0].direction for k, f in found.items() if k.startswith(("lmdeploy", "client"))}
    assert ways == {
        "lmdeploy:low": "upgrade", "lmdeploy:high": "downgrade", "lmdeploy:exact": "upgrade",
        "lmdeploy:gone": "install", "client:low": "upgrade",
    }  # fmt: skip
    assert found["lmdeploy:low"].severity == "error" and found["client:low"].severity == "warning"


@pytest.mark.parametrize("line", ["x>=2.0.*", "x (<=3.*,>=2.0.0)", "x (>1.9.*)"])
def test_old_specifiers_are_understood(tmp_path: Path, line: str) -> None:
    prefix = make_venv(tmp_path / "v")
    for version, finds in (("1.5", 1), ("2.5", 0)):
        site = tmp_path / version
        site.mkdir()
        unpack(wheel(tmp_path, "aged", requires=(line,)), site)
        unpack(wheel(tmp_path, "x", version), site)
        target = find_target(request(python=str(prefix), paths=(str(site),)))
        assert len(unmet(Facts(target, read_distributions(target)))) == finds
