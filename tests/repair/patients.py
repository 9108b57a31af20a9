"""Small real environments to repair, what identifies them byte for byte, and the command line that repairs them."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import uv
from virtualenv import cli_run

from tests.collect.env_factory import wheel

OLD, NEW = "1.0", "2.0"
# runs when any interpreter of the environment starts: no repair may leave a trace of it
TRAP = "import os; open(os.environ.get('QVL_TRAP', os.devnull), 'a').write('ran')\n"


@dataclass(frozen=True)
class Patient:
    """An environment at `env` with version 1.0 of two packages; `pins` asks for 2.0, `wheels` holds both."""

    env: Path
    template: Path
    wheels: Path
    pins: Path

    def reset(self) -> None:
        """The environment as it was built, nothing beside it."""
        for path in (self.env, *self.beside()):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        subprocess.run(["cp", "-a", str(self.template), str(self.env)], check=True)

    def beside(self) -> list[Path]:
        """What a repair put beside the environment."""
        return sorted(p for p in self.env.parent.iterdir() if p.name.startswith(f"{self.env.name}.qvl-"))

    @property
    def site(self) -> Path:
        return next(self.env.glob("lib/python3*/site-packages"))


def build(folder: Path, name: str = "env", bulk: int = 0) -> Patient:
    """Makes wheels and an environment with them, by a real installer; `bulk` bytes go into each wheel of the second."""
    wheels, env = folder / "wheels", folder / name
    wheels.mkdir(parents=True)
    for version in (OLD, NEW):
        code = {f"alpha/{part}.py": f"VERSION = {version!r}\nPART = {part!r}\n" for part in ("__init__", "one", "two")}
        wheel(wheels, "alpha", version, {**code, f"alpha/only_{version[0]}.py": "x = 1\n"}, scripts="alpha=alpha:main")
        more = {"beta/__init__.py": f"VERSION = {version!r}\n", "beta/data.txt": version * (bulk // 3 + 1)}
        wheel(wheels, "beta", version, more, requires=(f"alpha=={version}",))
    wheel(wheels, "gamma", "1.0", {f"gamma/m{i}.py": f"x = {i}\n" for i in range(50)}, scripts="gamma=gamma:main")
    cli_run([str(env), "--no-seed"])
    install(env, wheels, "alpha==1.0", "beta==1.0", "gamma==1.0")
    site = next(env.glob("lib/python3*/site-packages"))
    (site / "zz_trap.pth").write_text(TRAP)
    pins = folder / "pins.txt"
    pins.write_text(f"alpha=={NEW}\nbeta=={NEW}\n")
    template = folder / "template"
    subprocess.run(["cp", "-a", str(env), str(template)], check=True)
    return Patient(env, template, wheels, pins)


def install(env: Path, wheels: Path, *what: str) -> None:
    """As a user would, with uv."""
    command = [uv.find_uv_bin(), "pip", "install", "-q", "--python", str(env / "bin/python"), "--no-index",
               "--find-links", str(wheels), *what]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


def digest(tree: Path, byte_code: bool = True) -> str:
    """Names, kinds, modes, link targets and bytes of everything in a tree."""
    out = hashlib.sha256()
    for root, folders, files in os.walk(tree):
        folders.sort()
        for name in sorted([*folders, *files]):
            path = Path(root, name)
            if not byte_code and "__pycache__" in path.parts:
                continue
            at = path.lstat()
            out.update(f"{path.relative_to(tree)}\0{stat.filemode(at.st_mode)}\0".encode("utf-8", "surrogateescape"))
            if path.is_symlink():
                out.update(os.fsencode(path.readlink()))
            elif stat.S_ISREG(at.st_mode):
                out.update(hashlib.sha256(path.read_bytes()).digest())
    return out.hexdigest()


def fix(patient: Patient, *extra: str) -> list[str]:
    """The command that brings the patient to its pins in place."""
    return command("--apply", "--in-place", "--yes", "--python", str(patient.env), "--to", str(patient.pins),
                   "--find-links", str(patient.wheels), *extra)  # fmt: skip


def command(*arguments: str) -> list[str]:
    """`qvl-doctor fix`."""
    return [sys.executable, "-m", "doctor", "fix", *arguments]


def run(argv: list[str], **how: object) -> subprocess.CompletedProcess[str]:
    """Runs to the end, captured."""
    values: dict[str, object] = {"capture_output": True, "text": True, "timeout": 120, "stdin": subprocess.DEVNULL}
    return subprocess.run(argv, **{**values, **how})  # type: ignore[call-overload, no-any-return]


def recover(patient: Patient) -> subprocess.CompletedProcess[str]:
    """`fix --recover`."""
    return run(command("--recover", "--python", str(patient.env)))


def undo(patient: Patient) -> subprocess.CompletedProcess[str]:
    """`fix --undo`."""
    return run(command("--undo", "--python", str(patient.env)))
