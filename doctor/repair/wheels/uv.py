"""uv, the resolver and installer that doctor brings along: started with wheels only, and never from the patient."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from doctor.base.held import without_loader
from doctor.base.record import dataclass
from doctor.base.text import clean, one_line
from doctor.repair.errors import RepairError

# settings that would make uv build, run the target's Python, aim elsewhere or change what is asked
_DROPPED = (
    "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_COMPILE_BYTECODE", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE", "UV_TARGET",
    "UV_BUILD_CONSTRAINT", "UV_REQUIRE_HASHES", "UV_NO_VERIFY_HASHES", "UV_PRERELEASE", "UV_RESOLUTION",
    "UV_WORKING_DIRECTORY", "UV_WORKING_DIR", "UV_PROJECT", "UV_NO_BINARY", "UV_NO_CACHE",
    "VIRTUAL_ENV", "CONDA_PREFIX", "UV_EXCLUDE_NEWER", "UV_TORCH_BACKEND", "RUST_LOG",
)  # fmt: skip
_SIGNS_OF_FULL = ("No space left on device", "os error 28", "Disk quota exceeded")
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What uv said: exit status, stdout, stderr."""

    status: int
    out: str
    err: str


def find_uv() -> str:
    """The path of uv. Raises RepairError where it is not installed with doctor."""
    try:
        import uv

        return str(uv.find_uv_bin())
    except (ImportError, FileNotFoundError):
        raise RepairError("uv was not found; reinstall qvl-doctor, which uses it to install packages") from None


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The user's variables without those that would change what uv does; index and certificate settings stay."""
    environ = without_loader(os.environ if given is None else given)
    for name in _DROPPED:
        environ.pop(name, None)
    return {**environ, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}


def run_uv(
    arguments: Sequence[str], *, cwd: str, keep: tuple[int, ...] = (), environ: Mapping[str, str] | None = None,
    timeout: float | None = None, progress: bool = False,
) -> Answer:  # fmt: skip
    """Runs uv to its end; it dies with us, and holds the descriptors `keep` (the lock) as long as it lives.

    Interrupted or out of time, uv is ended before the exception goes on (TimeoutExpired as RepairError).
    With `progress`, and stderr a terminal, uv draws its own bars there and `err` is empty.
    """
    show = progress and sys.stderr.isatty()
    process = subprocess.Popen(
        [find_uv(), *arguments], cwd=cwd, env=environment(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE, pass_fds=keep, preexec_fn=_die_with_parent(), text=True,
        encoding="utf-8", errors="replace",
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _end(process)
        raise RepairError(f"uv did not finish within {timeout:.0f} s") from None
    except BaseException:
        _end(process)
        raise
    return Answer(process.returncode, out or "", err or "")


def checked_uv(arguments: Sequence[str], doing: str, **how: object) -> Answer:
    """As `run_uv`. Raises RepairError with uv's own words where it failed, a full disk told apart."""
    answer = run_uv(arguments, **how)  # type: ignore[arg-type]
    if answer.status == 0:
        return answer
    if any(sign in answer.err for sign in _SIGNS_OF_FULL):
        raise RepairError(f"no space left on the disk while {doing}; nothing was changed")
    if answer.status < 0:
        raise RepairError(f"uv was ended by {_signal_name(-answer.status)} while {doing}; nothing was changed")
    raise RepairError(f"uv failed while {doing}: {one_line(clean(_said(answer.err)), 800) or 'it gave no reason'}")


def uv_version() -> str:
    """`uv 0.9.1`."""
    return " ".join(checked_uv(["--version"], "reading its version", cwd=os.getcwd(), timeout=20).out.split()[:2])


def _said(err: str) -> str:
    lines = [x for x in err.splitlines() if not x.startswith(("Using CPython", "Resolved ", "Prepared ", "warning:"))]
    return " ".join(line.strip(" ╰─▶│├×") for line in lines)


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(OSError):
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=10)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _die_with_parent() -> Callable[[], object] | None:
    """For the child, before uv: killed when we are. The library is loaded here: loading it after the fork may hang."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
