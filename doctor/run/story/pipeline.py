"""`server | tee log`: the shell says 0 although the server failed. Whose status the run has then."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.base.files import Files
from doctor.findings.run import Life
from doctor.launch.shell_text.pipes import Member, unhandled
from doctor.run.story.events import Event, Killed, SignalCame
from doctor.run.story.lives import lives

_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash"}
_SAYS_NO = frozenset({"grep", "egrep", "fgrep", "rg", "zgrep", "diff", "cmp"})  # 1 is an answer of theirs
_NOBODY_READS = 13  # SIGPIPE: what follows in the pipeline had enough
_LOOKED_AT = 3  # words of a command: its interpreter, the interpreter's option, the script


def failed_member(argv: Sequence[str], events: Sequence[Event]) -> Life | None:
    """The first member of a pipeline of the started shell that failed, where the script lets that pass."""
    processes = lives(events)
    main = next((p for p in processes if p.main), None)
    if main is None or main.exit_code != 0 or any(isinstance(e, SignalCame | Killed) for e in events):
        return None
    bad = [p for p in processes if p.ppid == main.pid and not p.main and _failed(p)]
    text = _script(argv) if bad else None
    for members in unhandled(text) if text else ():
        for member in members[:-1]:  # the last one's status is the shell's, or the script went on after it
            if found := next((p for p in bad if _is(p, member)), None):
                return found
    return None


def _failed(process: Life) -> bool:
    if not process.exit_code:
        return False
    said_no = process.exit_code == 1 and _is(process, _SAYS_NO)
    return not said_no and process.exit_code != 128 + _NOBODY_READS


def _is(process: Life, member: Member) -> bool:
    return not member or bool(member & {word.rpartition("/")[2] for word in (process.cmd or ())[:_LOOKED_AT]})


def _script(argv: Sequence[str]) -> str | None:
    """The text that a shell was started with: behind `-c`, or in its script's file."""
    at = next((n for n, word in enumerate(argv) if word.rpartition("/")[2] in _SHELLS), None)
    if at is None:
        first = Files().first_text(argv[0]) if argv and "/" in argv[0] else None
        line = first.partition("\n")[0] if first else ""
        known = line.startswith("#!") and any(w.rpartition("/")[2] in _SHELLS for w in line[2:].split())
        return first if known else None
    commands = False
    for word in argv[at + 1 :]:
        if word[:1] not in "-+" or not word:
            return word if commands else Files().first_text(word)
        commands = commands or (not word.startswith("--") and "c" in word[1:])
    return None
