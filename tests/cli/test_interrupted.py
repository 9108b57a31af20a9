"""Ctrl-C ends with 130 wherever it comes, inside `exec` of a text too, as class decorators of the library use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# as in a terminal: a shell lets what it starts in the background ignore SIGINT, and Python leaves it so
HEARD = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
SEND = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT between processes")
@pytest.mark.parametrize("inside", [f"exec({SEND!r})", SEND])
@pytest.mark.parametrize("handled", ["ctx.exit(130)", "raise"])
def test_the_status_is_130(inside: str, handled: str, tmp_path: Path) -> None:
    text = f"""
{HEARD}
import sys
from doctor.base.guard import guarded

def action():
    try:
        {inside}
    except KeyboardInterrupt:
        {handled.replace("ctx.exit", "sys.exit")}

sys.exit(guarded(action))
"""
    (tmp_path / "command.py").write_text(text)
    where = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), *sys.path))}
    ended = subprocess.run([sys.executable, "-m", "command"], env=where, timeout=60, check=False)
    assert ended.returncode == 130


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT between processes")
@pytest.mark.parametrize("module", ["doctor.base.held", "doctor.base.guard", "click"])
def test_while_it_loads(module: str, tmp_path: Path) -> None:
    """Before any command has begun: no traceback of our own."""
    text = f"""
{HEARD}
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            {SEND}
sys.meta_path.insert(0, Finder())
sys.argv = ["qvl-doctor", "check"]
from doctor.__main__ import main
main()
"""
    where = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", text], env=where, timeout=60, check=False, capture_output=True, text=True)
    assert done.returncode == 130 and "Traceback" not in done.stderr, done.stderr
