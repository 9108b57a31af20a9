"""A fresh environment with what nearly every server installs: each module linked, and imported for real in a child."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.cli import main
from tests.link.real_packages import CACHE, answer_of

pytestmark = pytest.mark.registry
PINS = (
    "setuptools==65.5.0",
    "six==1.17.0",
    "requests==2.32.5",
    "urllib3==1.26.14",
    "pygments==2.19.2",
    "attrs==25.4.0",
)
NAMES = ("setuptools", "six", "requests", "urllib3", "pygments", "attrs")
_ASK = """
import importlib, json, os, sys
out = {}
for name in json.load(sys.stdin):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            importlib.import_module(name)
            said = None
        except BaseException as error:
            said = [type(error).__name__, isinstance(error, ImportError), str(error)]
        os.write(writer, json.dumps(said).encode()[:60000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        out[name] = json.loads(answer.read() or '["crash", false, ""]')
    os.waitpid(child, 0)
print(json.dumps(out))
"""


def environment() -> Path:
    """The environment, made once in the user's cache; skips where the index cannot be asked."""
    folder = CACHE / f"default-py{sys.version_info[0]}.{sys.version_info[1]}"
    if not (folder / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        command = [folder / "bin/python", "-m", "pip", "install", "-q", *PINS]
        done = subprocess.run(command, capture_output=True, text=True, timeout=400)
        if done.returncode:
            pytest.skip(f"{' '.join(PINS)} could not be installed: {done.stderr.strip().splitlines()[-1:]}")
        (folder / ".complete").touch()
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="children are forked")
@pytest.mark.parametrize("name", NAMES)
def test_every_module_as_python_imports_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = environment()
    main(["link", name, "--python", str(folder), "--format", "json"], standalone_mode=False)
    said = json.loads(capsys.readouterr().out)["modules"]
    ask = [folder / "bin/python", "-c", _ASK]
    done = answer_of(ask, json.dumps(list(said)), PINS, timeout=300, cwd="/")
    real = json.loads(done.stdout)
    wrong = {
        module: (real[module], verdict)
        for module, verdict in said.items()
        if (real[module] is None and verdict["status"] == "fail")
        or (real[module] is not None and real[module][1] and verdict["status"] == "ok")
    }
    unknown = [m for m, v in said.items() if v["status"] == "unknown" and real[m] is None]
    assert not wrong
    assert len(unknown) <= max(1, len(said) // 40), unknown
