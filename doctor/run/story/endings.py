"""How a process ended, in words."""

from __future__ import annotations

from doctor.findings.run import Ending
from doctor.run.signals import name_of

_MEANING = {
    "SIGSEGV": "a segmentation fault: native code accessed invalid memory",
    "SIGABRT": "native code aborted, usually after printing why",
    "SIGBUS": "a bus error: a mapped file was cut short, or /dev/shm is full",
    "SIGILL": "an illegal instruction: the program was built for another processor",
    "SIGFPE": "an arithmetic error in native code",
    "SIGKILL": "killed from outside; the process could not log anything",
    "SIGTERM": "asked to stop",
    "SIGINT": "interrupted (Ctrl-C)",
    "SIGQUIT": "asked to quit (Ctrl-\\)",
    "SIGHUP": "its terminal or its session was closed",
    "SIGPIPE": "it wrote to a pipe that nobody reads",
    "SIGXFSZ": "a file exceeded the size limit",
    "SIGXCPU": "it reached its CPU time limit",
    "SIGSYS": "a system call was forbidden (seccomp)",
    "SIGTRAP": "a breakpoint or a failed assertion in native code",
}
_EXITS = {
    126: "not executable", 127: "command not found", 137: "a child was killed (SIGKILL)",
    139: "a child crashed (SIGSEGV)", 134: "a child aborted (SIGABRT)", 143: "a child was asked to stop (SIGTERM)",
}  # fmt: skip


def ending(status: int | None) -> Ending:
    """A wait status taken apart; None while it is unknown."""
    if status is None:
        return Ending()
    number = status & 0x7F  # by hand: Windows has no os.WTERMSIG
    if number not in (0, 0x7F):
        return Ending(128 + number, number, name_of(number), bool(status & 0x80))
    return Ending(status >> 8 & 0xFF, core_dumped=False)


def sentence(end: Ending) -> str:
    """`was ended by SIGSEGV (a segmentation fault: ...)` or `exited with status 3`."""
    name = end.signal_name
    if name:
        meaning = f" ({_MEANING[name]})" if name in _MEANING else ""
        return f"was ended by {name}{meaning}" + (", and left a core dump" if end.core_dumped else "")
    if end.exit_code is None:
        return "ended in an unknown way"
    extra = f" ({_EXITS[end.exit_code]})" if end.exit_code in _EXITS else ""
    return f"exited with status {end.exit_code}{extra}"


__all__ = ["ending", "name_of", "sentence"]
