"""The real programs of this machine, run around a fake server that prints what it got: the reading says the same."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.base.files import Files
from doctor.launch.program import name_of
from doctor.launch.shell import Shell
from doctor.launch.wrappers import alternatives

SERVER = """#!{python} -I
import json, os, sys
with open({out!r}, "w") as file:
    json.dump([sys.argv[1:], dict(os.environ), os.getcwd()], file)
"""
PROBES = {"PROBE_A": "1", "PROBE_B": "x y"}

# each runs `vllm serve`; what needs the superuser stands below
LINES = r"""
nohup vllm serve M
env -u PROBE_A C=d vllm serve M --x 'a b'
env -i PATH={path} PROBE_B=3 vllm serve M
env - PATH={path} vllm serve M
env -C / vllm serve M
env -uPROBE_A -C/ C=d vllm serve M
env --unset PROBE_A --chdir=/ vllm serve M
env --uns=PROBE_A vllm serve M
env -S 'PROBE_A=2 vllm serve M'
env -S 'PROBE_A=2 vllm serve' M 'a b'
nice vllm serve M
nice -n 5 vllm serve M
nice -n5 vllm serve M
nice --adj 5 vllm serve M
nice -5 vllm serve M
timeout 20 vllm serve M
timeout -s KILL 20 vllm serve M
timeout -sKILL -k 5 20 vllm serve M
timeout --sig KILL --foreground 20 vllm serve M
timeout -- 20 vllm serve M
stdbuf -oL vllm serve M
stdbuf -o L -e0 vllm serve M
stdbuf --out=L vllm serve M
setsid -w vllm serve M
ionice -c 3 vllm serve M
ionice -c2 -n 7 vllm serve M
taskset -c 0 vllm serve M
taskset 1 vllm serve M
chrt -o 0 vllm serve M
chrt -b 0 vllm serve M
prlimit --nofile=512 vllm serve M
prlimit -n=512 vllm serve M
choom -n 100 -- vllm serve M
choom -n 100 vllm serve M
flock {tmp}/l vllm serve M
flock -w 5 {tmp}/l vllm serve M 'a b'
flock {tmp}/l -c 'vllm serve M $PROBE_A'
flock -n {tmp}/l --command 'vllm serve M'
script -qc 'vllm serve M "a b"' /dev/null
script -q /dev/null -c 'vllm serve M'
script -qec 'vllm serve M' /dev/null
setarch x86_64 -R vllm serve M
setarch -R vllm serve M
setpriv --no-new-privs vllm serve M
xargs vllm serve M
bash -c 'echo M x | xargs -r -n 2 vllm serve'
bash -c 'echo M | xargs -P 1 -I X vllm serve X "a X"'
bash -c 'echo vllm serve M | nohup bash'
bash -c 'vllm serve M "$PROBE_B" $PROBE_B'
bash -c 'PROBE_A=7 exec vllm serve "$@"' name M 'a b'
bash -c 'unset PROBE_A; export N=1; cd /; vllm serve M'
sh -c 'env PROBE_A=2 nohup vllm serve M'
sh -ec 'cd / && vllm serve M'
bash -o pipefail -c 'vllm serve M'
bash --norc -c 'vllm serve M'
strace -o {tmp}/o vllm serve M
strace -fo {tmp}/o -e trace=open vllm serve M
strace -E PROBE_A=9 -E N=1 -o {tmp}/o vllm serve M
strace -EPROBE_A -o {tmp}/o vllm serve M
gdb -q -batch -ex run --args vllm serve M
valgrind --version vllm serve M
systemd-cat -t x vllm serve M
perf stat -o {tmp}/o vllm serve M
start-stop-daemon --start --pidfile {tmp}/none --exec {tmp}/bin/vllm -- serve M
start-stop-daemon -S -p {tmp}/none -d / -a {tmp}/bin/vllm -x {tmp}/bin/vllm -- serve M --x
watch -n 5 -g vllm serve M
watch -x vllm serve M 'a b'
tmux -L {socket} -f /dev/null new-session -d vllm serve M
tmux -L {socket} -f /dev/null new-session -d -e N=1 -c / 'vllm serve M'
"""

ROOT_LINES = r"""
su -c 'vllm serve M'
su root -c 'vllm serve M'
su -m -c 'vllm serve M "a b"' root
su -s /bin/bash root -c 'vllm serve M'
runuser -u root -- vllm serve M
runuser -u root vllm serve M
runuser root -c 'vllm serve M'
chroot / vllm serve M
chroot --skip-chdir / vllm serve M
setpriv --reuid 0 --clear-groups vllm serve M
setpriv --reset-env {tmp}/bin/vllm serve M
unshare -u vllm serve M
unshare --uts --fork vllm serve M
capsh -- -c 'vllm serve M'
chrt -f 1 vllm serve M
"""
SHELLS = {
    "perf",
    "su",
    "runuser",
    "script",
    "watch",
    "tmux",
    "chroot",
    "capsh",
    "setpriv",
}  # they set HOME, SHELL, TERM and so on
STARTED = {"PROBE_A", "PROBE_B", "N", "C"}


@pytest.mark.parametrize("text", LINES.strip().splitlines())
def test_a_program(text: str, tmp_path: Path) -> None:
    _compare(text, tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs the superuser")
@pytest.mark.parametrize("text", ROOT_LINES.strip().splitlines())
def test_a_program_of_the_superuser(text: str, tmp_path: Path) -> None:
    _compare(text, tmp_path)


def _compare(text: str, tmp_path: Path) -> None:
    out, folder = tmp_path / "out.json", tmp_path / "bin"
    folder.mkdir()
    (folder / "vllm").write_text(SERVER.format(python=sys.executable, out=str(out)))
    (folder / "vllm").chmod(0o755)
    path = f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin"
    socket = re.sub(r"\W", "", tmp_path.name)[-20:]
    words = tuple(shlex.split(text.format(path=path, tmp=tmp_path, socket=socket)))
    if not shutil.which(words[0], path=path):
        pytest.skip(f"{words[0]} is not installed")
    environ = {"PATH": path, "HOME": str(tmp_path), "TERM": "xterm", **PROBES}
    got = _run(words, environ, tmp_path, out)
    found = alternatives(Shell(Files(None), environ, str(tmp_path)), words)[0]
    if got is None:
        if not found.mention:
            pytest.skip("the program could not start anything here")
        return
    argv, real, cwd = got
    assert name_of(found.words[0]) == "vllm" and list(found.words[1:]) == argv and not found.guessed
    names = STARTED if name_of(words[0]) in SHELLS else STARTED | {"HOME", "PATH"}
    assert {n: real.get(n) for n in names} == {n: found.shell.environ.get(n) for n in names}
    if name_of(words[0]) != "chroot":
        assert os.path.realpath(found.shell.cwd) == cwd


def _run(
    words: tuple[str, ...], environ: dict[str, str], cwd: Path, out: Path
) -> tuple[list[str], dict[str, str], str] | None:
    """What the server got, None where it was not started."""
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):
        subprocess.run(words, env=environ, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=4)
    if words[0] == "tmux":
        for _ in range(40):
            if out.exists() and out.stat().st_size:
                break
            subprocess.run(["sleep", "0.05"])
        subprocess.run(["tmux", "-L", words[2], "kill-server"], capture_output=True, env=environ)
    if not out.exists():
        return None
    argv, real, folder = json.loads(out.read_text())
    return argv, real, folder
