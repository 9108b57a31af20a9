"""Completion that a command installs, and the manual page."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from doctor.cli import COMMANDS
from tests.cli.running import doctor

PLACES = {
    "bash": ".local/share/bash-completion/completions/qvl-doctor", "zsh": ".local/share/zsh/site-functions/_qvl-doctor",
    "fish": ".config/fish/completions/qvl-doctor.fish",
}  # fmt: skip


@pytest.mark.parametrize("shell", PLACES)
def test_the_script_lands_where_the_shell_looks(shell: str, tmp_path: Path) -> None:
    nothing = {"XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
    done = doctor("completion", shell, "--install", home=tmp_path, **nothing)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / PLACES[shell]).read_text()
    assert written == doctor("completion", shell, home=tmp_path, **nothing).stdout and f"{shell}_complete" in written
    assert str(tmp_path) in done.stdout


def test_bash_takes_the_script(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    script = doctor("completion", "bash", home=tmp_path).stdout
    checked = subprocess.run([bash, "-n"], input=script, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(("line", "position", "words"), [
    ("qvl-doctor ", "1", set(COMMANDS)), ("qvl-doctor che", "1", {"check"}), ("qvl-doctor check --fail-on ", "3", {"error", "warning", "never"}),
    ("qvl-doctor report --for v", "3", {"vllm"}), ("qvl-doctor matrix sh", "2", {"show"}),
])  # fmt: skip
def test_what_is_completed(line: str, position: str, words: set[str], tmp_path: Path) -> None:
    done = doctor(home=tmp_path, _QVL_DOCTOR_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=position)
    assert {found.partition(",")[2] for found in done.stdout.splitlines()} == words


def test_the_manual_page(tmp_path: Path) -> None:
    done = doctor("man", home=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith(".TH QVL")
    assert all(f".SS {name}" in done.stdout for name in COMMANDS) and "\\-\\-fail\\-on" in done.stdout
    if (groff := shutil.which("groff")) is not None:
        shown = subprocess.run([groff, "-man", "-ww", "-Tutf8"], input=done.stdout, text=True, capture_output=True, check=False)
        assert shown.returncode == 0 and not shown.stderr and "--fail-on" in re.sub(".\x08", "", shown.stdout).replace("‐", "-").replace("−", "-")
