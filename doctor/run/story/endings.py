"""How a process ended, in words."""

from __future__ import annotations

from typing import Any

from doctor.run.signals import name_of

_MEANING = {
    "SIGSEGV": "a segmentation fault: native code touched memory that is not its own",
    "SIGABRT": "native code gave itself up (abort), usually after printing why",
    "SIGBUS": "a bus error: a mapped file was cut short, or /dev/shm is full",
    "SIGILL": "an illegal instruction: the program was built for another processor",
    "SIGFPE": "an arithmetic error in native code",
    "SIGKILL": "killed from outside; the process itself could not say anything",
    "SIGTERM": "asked to end",
    "SIGINT": "interrupted (Ctrl-C)",
    "SIGQUIT": "asked to quit (Ctrl-\\)",
    "SIGHUP": "its terminal or its session was closed",
    "SIGPIPE": "it wrote to a pipe that nobody reads",
    "SIGXFSZ": "a file became larger than the limit allows",
    "SIGXCPU": "its limit of processor time was reached",
    "SIGSYS": "a system call was forbidden (seccomp)",
    "SIGTRAP": "a breakpoint or a failed assertion in native code",
}
_EXITS = {
    126: "not executable", 127: "command not found", 137: "a child was killed (SIGKILL)",
    139: "a child crashed (SIGSEGV)", 134: "a child gave up (SIGABRT)", 143: "a child was asked to end (SIGTERM)",
}  # fmt: skip


def ending(status: int | None) -> dict[str, Any]:
    """A wait status taken apart: `exit_code`, `signal`, `signal_name`, `core_dumped`; all None while unknown."""
    if status is None:
        return {"exit_code": None, "signal": None, "signal_name": None, "core_dumped": None}
    number = status & 0x7F  # by hand: Windows has no os.WTERMSIG
    if number not in (0, 0x7F):
        return {"exit_code": 128 + number, "signal": number, "signal_name": name_of(number),
                "core_dumped": bool(status & 0x80)}  # fmt: skip
    return {"exit_code": status >> 8 & 0xFF, "signal": None, "signal_name": None, "core_dumped": False}


def sentence(end: dict[str, Any]) -> str:
    """`was killed by SIGSEGV, a segmentation fault: ...` or `exited with status 3`."""
    name = end.get("signal_name")
    if name:
        meaning = f" ({_MEANING[name]})" if name in _MEANING else ""
        return f"was ended by {name}{meaning}" + (", and left a core dump" if end.get("core_dumped") else "")
    if end.get("exit_code") is None:
        return "ended in an unknown way"
    extra = f" ({_EXITS[end['exit_code']]})" if end["exit_code"] in _EXITS else ""
    return f"exited with status {end['exit_code']}{extra}"


def size(count: float) -> str:
    """Bytes for people: `3.4 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def span(seconds: float) -> str:
    """A duration for people: `12.3 s`, `4 min 5 s`, `3 h 2 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


__all__ = ["ending", "name_of", "sentence", "size", "span"]
