"""The start itself: what the server gets as environment, descriptors and signals, and what it is warned about.

The server's own session, `/dev/null` as stdin, the log as stdout and stderr; signals exactly as they would be
without us. Nothing that the user has set is changed.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from doctor.launch.listening import is_python, recognise
from doctor.matrix.engines import engine_row
from doctor.run.signals import Signals

NOT_FOUND, NOT_EXECUTABLE = 127, 126
_PRELOAD = ("/usr/libexec/coreutils/libstdbuf.so", "/usr/lib/coreutils/libstdbuf.so",
            "/usr/lib/x86_64-linux-gnu/coreutils/libstdbuf.so", "/usr/lib64/coreutils/libstdbuf.so")  # fmt: skip


_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "busybox"}


class NotStarted(ValueError):
    """The command could not be started; `status` is the shell's word for it (126 or 127)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def ensure_standard_streams() -> None:
    """Opens `/dev/null` on whichever of descriptors 0, 1 and 2 is closed, so that no log becomes a server's stdin."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            got = os.open(os.devnull, os.O_RDWR)
            if got != fd:
                os.dup2(got, fd)
                os.close(got)
            os.set_inheritable(fd, True)


def environment(argv: Sequence[str], base: Mapping[str, str]) -> tuple[dict[str, str], list[str], list[str]]:
    """The server's environment, which keeps nothing in a buffer; warnings where that cannot work, and notes."""
    env, warnings, notes = dict(base), list[str](), list[str]()
    env.setdefault("PYTHONUNBUFFERED", "1")
    env.setdefault("PYTHONFAULTHANDLER", "1")
    server = recognise(argv, base)
    if server and server.serves_models and not engine_row(server.engine).library:
        env.setdefault("NCCL_DEBUG", "WARN")  # NCCL says nothing at all by default
    program = resolve(argv[0], base)
    if program is None:
        return env, warnings, notes
    flags = python_flags(program, argv)
    if flags is not None and set("EI") & set(flags):
        warnings.append(
            "this Python ignores PYTHON* variables (-E or -I), so PYTHONUNBUFFERED and PYTHONFAULTHANDLER do nothing: "
            "the last output before a crash may be incomplete"
        )
    if flags is None and (header := _elf(program)):
        if _preload(env, header):
            notes.append("a native program: its C output is line-buffered here; C++ streams may have lost text")
        elif program.name not in _SHELLS:
            warnings.append("a native program: what it keeps in its buffers is lost in a crash (output incomplete)")
    return env, warnings, notes


def resolve(program: str, env: Mapping[str, str]) -> Path | None:
    """The file that a command word means, as the shell would find it."""
    found = program if "/" in program else shutil.which(program, path=env.get("PATH"))
    return Path(found) if found else None


def python_flags(program: Path, argv: Sequence[str]) -> str | None:
    """The one-letter options that the Python behind a command is started with; None when it is not Python."""
    words: list[str] = []
    if is_python(program.name):
        words = list(argv[1:])
    else:
        shebang = _shebang(program)
        at = next((n for n, w in enumerate(shebang) if is_python(Path(w).name)), None)
        if at is None:
            return None
        words = shebang[at + 1 :]
    out, rest = "", iter(words)
    for word in rest:
        if not word.startswith("-") or word.startswith("--") or word == "-":
            break
        for at, letter in enumerate(word[1:], 2):
            if letter in "cm":
                return out
            if letter in "XW":
                if at == len(word):
                    next(rest, None)  # its value is the next word
                break
            out += letter
    return out


def _shebang(program: Path) -> list[str]:
    """The words of a script's first line; of the second, where the first is a shell that hands over to Python."""
    try:
        with program.open("rb") as file:
            start = file.read(1024)
    except OSError:
        return []
    if not start.startswith(b"#!"):
        return []
    lines = start.decode("utf-8", "replace").split("\n")
    first = [w for w in lines[0][2:].split() if w != "-S"]
    if first and Path(first[0]).name == "sh" and len(lines) > 1 and lines[1].startswith("'''exec'"):
        return [w.strip("\"'") for w in lines[1].split()[1:]]
    return first


def _elf(program: Path) -> bytes:
    """The first 4 KiB of a native program, empty for anything else."""
    try:
        with program.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return b""
    return start if start.startswith(b"\x7fELF") else b""


def _preload(env: dict[str, str], header: bytes) -> bool:
    """Makes C output line-buffered as stdbuf(1) does, for programs that use this system's own C library only."""
    library = next((p for p in _PRELOAD if os.path.exists(p)), None)  # noqa: PTH110
    try:
        with open("/proc/self/exe", "rb") as file:  # noqa: PTH123
            own = file.read(20)
    except OSError:
        return False
    if library is None or header[4:6] != own[4:6] or header[18:20] != own[18:20] or b"/ld-linux" not in header:
        return False
    env.setdefault("_STDBUF_O", "L")
    before = env.get("LD_PRELOAD")
    env["LD_PRELOAD"] = f"{before}:{library}" if before else library
    return True


def spawn(argv: Sequence[str], env: Mapping[str, str], out: int, err: int, signals: Signals, stdin: str) -> int:
    """Starts the command and returns its pid. Raises `NotStarted`; the message is for the user.

    Must be called while there is one thread only: the child sets its signals before it becomes the server. (The C
    library's posix_spawn would do it too, but leaves two signals of its own ignored, which a server can see.)
    """
    try:
        return _spawn(list(argv), env, out, err, signals, stdin)
    except OSError as e:
        if e.errno == errno.ENOEXEC:  # a script without a first line: the shell runs it, as execvp(3) does
            return _spawn(["/bin/sh", str(resolve(argv[0], env)), *argv[1:]], env, out, err, signals, stdin)
        raise _not_started(argv[0], e) from e
    except ValueError as e:
        raise NotStarted(NOT_EXECUTABLE, f"the command cannot be started: {e}") from e


def _spawn(argv: list[str], env: Mapping[str, str], out: int, err: int, signals: Signals, stdin: str) -> int:
    def as_before() -> None:
        if signals.child_ignored:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals.mask_before)

    child = subprocess.Popen(
        argv, env=dict(env), stdin=None if stdin == "inherit" else subprocess.DEVNULL, stdout=out, stderr=err,
        close_fds=False, start_new_session=True, preexec_fn=as_before,
    )  # fmt: skip
    child.returncode = 0  # ours to wait for, not this object's
    return child.pid


def _not_started(program: str, error: OSError) -> NotStarted:
    found = resolve(program, os.environ)
    if found is not None and not found.exists():
        found = None
    if error.errno == errno.ENOENT and found is not None:
        words = _shebang(found)
        missing = f": its interpreter `{words[0]}` does not exist" if words else ": the interpreter it names is missing"
        return NotStarted(NOT_FOUND, f"`{program}` cannot be started{missing}")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotStarted(NOT_FOUND, f"`{program}` was not found")
    return NotStarted(NOT_EXECUTABLE, f"`{program}` cannot be started: {error.strerror}")
