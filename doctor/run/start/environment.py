"""What the server gets as environment, so that nothing it says stays in a buffer, and where that cannot work.

Nothing that the user has set is changed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from doctor.base.opening import first_bytes
from doctor.base.record import dataclass
from doctor.launch.listening import recognize
from doctor.launch.program import PYTHON
from doctor.matrix.engines import engine_row

_PRELOAD = ("/usr/libexec/coreutils/libstdbuf.so", "/usr/lib/coreutils/libstdbuf.so",
            "/usr/lib/x86_64-linux-gnu/coreutils/libstdbuf.so", "/usr/lib64/coreutils/libstdbuf.so")  # fmt: skip


_NOT_READ = (
    "this Python ignores PYTHON* variables (-E or -I), so PYTHONUNBUFFERED and PYTHONFAULTHANDLER do nothing: "
    "the last output before a crash may be incomplete"
)
_CLEARED = (
    "`{}` drops PYTHONUNBUFFERED and PYTHONFAULTHANDLER: the last output before a crash may be incomplete; "
    "set PYTHONUNBUFFERED=1 behind it"
)
_LINE_BUFFERED = "a native program: its C output is line-buffered here; C++ streams may lose text"
_BUFFERED = "a native program: text in its buffers is lost in a crash (output incomplete)"
_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "busybox"}


@dataclass(frozen=True, slots=True)
class Launch:
    """The server's environment, and what there is to say about it: warnings for the user, notes for the report."""

    env: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def environment(argv: Sequence[str], base: Mapping[str, str]) -> Launch:
    """The server's environment, which keeps nothing in a buffer; warnings where that cannot work."""
    env = dict(base)
    env.setdefault("PYTHONUNBUFFERED", "1")
    env.setdefault("PYTHONFAULTHANDLER", "1")
    server = recognize(argv, base)
    if server and server.serves_models and not engine_row(server.engine).library:
        env.setdefault("NCCL_DEBUG", "WARN")  # NCCL says nothing at all by default
    program = resolve(argv[0], base)
    if program is None:
        return Launch(env)
    if said := _clears(program.name, argv):
        return Launch(env, (_CLEARED.format(said),))
    flags = python_flags(program, argv)
    if flags is not None:
        return Launch(env, (_NOT_READ,) if set("EI") & set(flags) else ())
    header = _elf(program)
    if header and _preload(env, header):
        return Launch(env, notes=(_LINE_BUFFERED,))
    warn = header and program.name not in _SHELLS
    return Launch(env, (_BUFFERED,) if warn else ())


def _clears(name: str, argv: Sequence[str]) -> str | None:
    """The words that start the rest without our variables: `env -i`, `sudo` without `-E`; None for none."""
    if any(word.startswith("PYTHONUNBUFFERED=") for word in argv):
        return None
    flags = [word for word in argv[1:4] if word.startswith("-")]
    if name == "env":
        return "env -i" if any(f in ("-", "--ignore-environment") or re.match(r"-\w*i", f) for f in flags) else None
    kept = any(f.startswith("--preserve-env") or re.match(r"-\w*E", f) for f in flags)
    return name if name in ("sudo", "doas") and not kept else None


def resolve(program: str, env: Mapping[str, str]) -> Path | None:
    """The file that a command word means, as the shell would find it."""
    found = program if "/" in program else shutil.which(program, path=env.get("PATH"))
    return Path(found) if found else None


def python_flags(program: Path, argv: Sequence[str]) -> str | None:
    """The one-letter options that the Python behind a command is started with; None when it is not Python."""
    words: list[str] = []
    if PYTHON.match(program.name):
        words = list(argv[1:])
    else:
        words = shebang(program)
        at = next((n for n, w in enumerate(words) if PYTHON.match(Path(w).name)), None)
        if at is None:
            return None
        words = words[at + 1 :]
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


def shebang(program: Path) -> list[str]:
    """The words of a script's first line; of the second, where the first is a shell that hands over to Python."""
    try:
        start = first_bytes(program, 1024)
    except (OSError, ValueError):
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
        start = first_bytes(program, 4096)
    except (OSError, ValueError):
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
