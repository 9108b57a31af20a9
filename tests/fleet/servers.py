"""Real OpenSSH servers on loopback, each a node of its own, for tests and benchmarks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

SECONDS = 10.0


class NoServerError(Exception):
    """No server can be started here; one sentence."""


def sshd() -> str | None:
    """OpenSSH's server: what QVL_TEST_SSHD names, else the system's."""
    return os.environ.get("QVL_TEST_SSHD") or shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def ssh_servers(folder: Path, caches: Sequence[Path | None]) -> Iterator[list[int]]:
    """A server for each entry, on the ports that are given; what it starts keeps its cache in that folder.

    `folder/bin` holds an `ssh` that knows their keys. Raises NoServerError.
    """
    program = sshd()
    if program is None or not shutil.which("ssh-keygen"):
        raise NoServerError("no sshd here (QVL_TEST_SSHD names one)")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    known = f"IdentityFile {folder}/user\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
    (folder / "config").write_text(f"Host *\n  {known}")
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n')
    (folder / "bin" / "ssh").chmod(0o755)
    with ExitStack() as stack:
        yield [_started(program, folder, cache, stack) for cache in caches]


def _started(program: str, folder: Path, cache: Path | None, stack: ExitStack) -> int:
    port = _free()
    kept = f"SetEnv XDG_CACHE_HOME={cache}\n" if cache else ""
    config, log = folder / f"sshd.{port}", folder / f"log.{port}"
    config.write_text(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
                      f"StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n{kept}")  # fmt: skip
    child = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=stack.enter_context(log.open("wb")))
    stack.callback(_ended, child)
    deadline = time.monotonic() + SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return port
        time.sleep(0.02)
    raise NoServerError(f"sshd does not start here: {log.read_text(errors='replace')[-200:]}")


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _ended(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
