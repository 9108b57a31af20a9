"""What to say of a failure that no entry knows, and of a log that ends before the failure or only echoes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.base.late import late_pattern
from doctor.base.secrets.hide import redact_text
from doctor.base.text import clean, one_line
from doctor.explain.context import Digest, packages_of
from doctor.explain.endings import advice_in, message_of
from doctor.explain.evidence import location_of, shown
from doctor.explain.life.outcome import lived
from doctor.explain.lines import Line
from doctor.explain.matching import Candidate
from doctor.explain.traces import Trace
from doctor.findings import Action, Evidence, Finding, Remediation
from doctor.matrix.engines import engines

ECHO = 40  # the rank below which an entry is only an echo of a failure

RERUN = Remediation(
    "run it again and keep the whole output of every process from its start to its end",
    (
        Action("manual", text="start it as `qvl-doctor run -- YOUR COMMAND`, then `qvl-doctor explain` the kept log"),
        Action("set_env", name="PYTHONFAULTHANDLER", value="1"),
        Action("set_env", name="PYTHONUNBUFFERED", value="1"),
        Action("set_env", name="VLLM_LOGGING_LEVEL", value="DEBUG"),
        Action("manual", text="look for a kill by the kernel or a driver fault at that time: `dmesg -T | tail -50`"),
    ),
)
_ECHOES = ("KeyboardInterrupt", "SystemExit", "CancelledError", "BrokenPipeError", "EOFError", "GeneratorExit")
_REFUSALS = ("ValueError", "ValidationError", "RuntimeError", "NotImplementedError", "ImportError", "AssertionError")
_FAULTS = ("AttributeError", "TypeError", "KeyError", "IndexError", "UnboundLocalError", "NameError", "AssertionError",
           "NotImplementedError", "ZeroDivisionError")  # fmt: skip
_CONFIGS = (
    ("image_processing_", "preprocessor_config.json"), ("video_processing_", "preprocessor_config.json"),
    ("processing_", "preprocessor_config.json and processor_config.json"),
    ("feature_extraction_", "preprocessor_config.json"), ("tokenization_", "tokenizer_config.json"),
    ("configuration_", "config.json"),
)  # fmt: skip
_SHAPES = late_pattern(r"shape mismatch|is invalid for input of size|must match the size of tensor|cannot be broadcast|"
                     r"shapes cannot be multiplied|must match the existing size")  # fmt: skip
_WRAPPER = late_pattern(
    r"Engine core initialization failed|Engine process failed to start|WorkerProc initialization failed|TokenizerInfo|"
    r"Failed core proc|died unexpectedly|look up to see its traceback|ChildFailedError|EngineDeadError|not healthy|"
    r"ActorDiedError|WorkerCrashedError|Executor failed|TimeoutError|has no attribute 'shutdown'|__del__"
)
_LOUD = late_pattern(
    r"(?:^|[\s\[(.])(?:[Ff]atal|FATAL|ERROR|error|CRITICAL|[A-Za-z_]{0,60}(?:Error|"
    r"Exception))\b[^\n]{0,3}[:\s]"
)
_HARMLESS = late_pattern(
    r"(?i)warn|retry|health-check|deprecat|optional|0 errors?|no error|errors? log|error_file|"
    r"ignored"
)


def unexplained(digest: Digest, known: Sequence[Candidate]) -> list[Finding]:
    """Findings for exceptions that no entry explains, then for what is cut or absent; the likeliest first."""
    covered = {id(c.line.trace) for c in known if c.line.trace and c.rank > 20}
    fatal = [t for t in digest.traces if t.raised and id(t) not in covered and not _is_echo(t) and not _known(t, known)]
    out = [_exception(t, digest) for t in _roots(fatal)[:2]]
    if out:
        return out
    cut = [t for t in digest.traces if t.cut]
    if cut:
        return [_cut(cut[-1])]
    if any(c.rank > ECHO for c in known):
        return []
    echoed = {c.line.number for c in known}
    loud = next((n for n in digest.lines if _is_loud(n) and n.number not in echoed), None)
    if loud is None and known:
        return []
    if loud is not None:
        return [error_line(loud.number, loud.text)]
    echo = next((t for t in digest.traces if t.raised and t.kind not in _ECHOES and id(t) not in digest.ignored), None)
    return [_echoed(echo)] if echo else [_nothing(digest)]


def _is_loud(line: Line) -> bool:
    """Whether a line outside of tracebacks tells of an error by its words or its level, and not as an echo."""
    if line.aside or line.role != "text" or _WRAPPER.search(line.text[:600]) or _HARMLESS.search(line.text[:400]):
        return False
    severe = line.level in ("ERROR", "CRITICAL", "FATAL") and line.trace is None and line.text.strip() != ""
    return severe or bool(_LOUD.search(line.text[:300]))


def _known(trace: Trace, known: Sequence[Candidate]) -> bool:
    """Whether an entry that matched elsewhere in the log explains this exception too."""
    said = f"{trace.raised}: {trace.message}"[:1000]
    return any(c.crash.regex.search(said) for c in known if c.rank > 20)


def _is_echo(trace: Trace) -> bool:
    return trace.kind in _ECHOES or bool(_WRAPPER.search(f"{trace.raised}: {trace.message[:300]}"))


def _roots(traces: Sequence[Trace]) -> list[Trace]:
    """Of each chain the exception that says most: the first cause, or the last of those raised while handling."""
    inner = {id(t.earlier) for t in traces if t.relation == "during"}
    later = {id(t) for t in traces if t.relation == "cause" and any(t.earlier is o for o in traces)}
    return [t for t in traces if id(t) not in inner and id(t) not in later] or list(traces)


def _exception(trace: Trace, digest: Digest) -> Finding:
    message = message_of(trace, digest.lines_of(trace))
    said = one_line(redact_text(f"{trace.kind}: {message}" if message else trace.kind), 500)
    frame = trace.frames[-1] if trace.frames else None
    packages = packages_of(trace)
    place = f" in `{packages[-1]}`" if packages else ""
    code = f" at `{one_line(frame.code, 120)}`" if frame and frame.code and not trace.message else ""
    advice = advice_in(message)
    own = Remediation(clean(f"follow the program's own advice: {' '.join(advice)}", 500), (
        Action("manual", text=clean(" ".join(advice), 500)),))  # fmt: skip
    return Finding(
        rule="RUN001", name="unknown-exception", severity="error", key=f"line {trace.number}",
        confidence="high" if advice and _is_refusal(trace, digest) else "medium",
        message=f"The first failure in this log is `{said}`{f', raised{place}{code}' if place or code else ''}.",
        location=location_of(trace),
        evidence=(Evidence("log", observed=shown(f"{trace.raised}: {trace.message}"), source=f"line {trace.number}"),
                  *lived(digest, trace.number)),
        remediations=((own,) if advice else (*_likely(trace, packages, digest), _advice(trace, packages), RERUN)),
    )  # fmt: skip


def _is_refusal(trace: Trace, digest: Digest) -> bool:
    """Whether an engine itself raised it on purpose and a process ended of it: then the message is the cause."""
    inner = packages_of(trace)[-1:]
    mine = bool(inner) and inner[0] in {e.package for e in engines()}
    return trace.kind in _REFUSALS and mine and not digest.life.alive


def _likely(trace: Trace, packages: Sequence[str], digest: Digest) -> Iterator[Remediation]:
    """Where the failing code stands tells what to look at: the model's files, or a fault in the engine itself."""
    name = trace.frames[-1].file.replace("\\", "/").rpartition("/")[2] if trace.frames else ""
    file = next((f for start, f in _CONFIGS if name.startswith(start)), "")
    if file and packages[-1:] == ["transformers"]:
        text = (f"`{name}` reads the model's {file}: compare it with the model's current one, and the transformers "
                "release with the one that it was written by")  # fmt: skip
        yield Remediation(text, (Action("manual", text=text),))
    engine = next((e.name for e in engines() if packages[-1:] == [e.package] and not e.library), "")
    if engine and (trace.kind in _FAULTS or (trace.kind == "RuntimeError" and _SHAPES.search(trace.message))):
        have = digest.version(engine)
        yield Remediation(
            f"upgrade {engine}{f' {have}' if have else ''}: a fault in its own code may be fixed in a newer release",
            (Action("install", package=engine, direction="upgrade"),), "unsafe",
        )  # fmt: skip


def _advice(trace: Trace, packages: Sequence[str]) -> Remediation:
    """What an exception of this kind usually asks for, said as the guess that it is."""
    last = packages[-1] if packages else "the program"
    outer = packages[0] if packages else "the program"
    misfit = trace.kind in ("AttributeError", "ImportError", "NameError", "ModuleNotFoundError")
    if misfit and not packages:
        text = f"read the frames above line {trace.number}: an object or module does not have the name that is used"
    elif misfit and last == outer:
        text = (
            f"a package that `{last}` uses may have another release than `{last}` was made for (transformers first): "
            f"compare the installed releases with what `{last}` requires (pip check)"
        )
    elif misfit:
        text = (
            f"`{last}` and `{outer}` look as if they were made for different releases of each other: compare "
            "their versions"
        )
    elif trace.kind == "TypeError":
        text = (
            f"a call into `{last}` has arguments that this release does not take: compare the versions of its "
            "caller and of it"
        )
    elif trace.kind in ("ValueError", "KeyError", "AssertionError", "NotImplementedError"):
        text = (
            f"`{last}` refuses a value: compare the arguments and the model's config.json with what this release "
            "supports"
        )
    else:
        text = f"read the message and the frames above line {trace.number}; they are the first failure"
    return Remediation(clean(text, 300), (Action("manual", text=clean(text, 300)),))


def _cut(trace: Trace) -> Finding:
    return Finding(
        rule="RUN002", name="cut-traceback", severity="error", confidence="low", key=f"line {trace.start}",
        message="The log ends inside a traceback, before the line that says what failed, so it does not hold the "
                "cause.",
        evidence=(Evidence("log", observed="a traceback without its last line", source=f"line {trace.start}"),),
        remediations=(RERUN,),
    )  # fmt: skip


def error_line(number: int, text: str) -> Finding:
    """The finding for an error record that no entry knows."""
    return Finding(
        rule="RUN003", name="unknown-error", severity="error", confidence="low", key=f"line {number}",
        message=f"The first error in this log is `{one_line(redact_text(text), 300)}`; no known cause is written "
                "for it.",
        evidence=(Evidence("log", observed=shown(text), source=f"line {number}"),), remediations=(RERUN,),
    )  # fmt: skip


def _echoed(trace: Trace) -> Finding:
    said = one_line(redact_text(f"{trace.kind}: {trace.message}" if trace.message else trace.kind), 300)
    return Finding(
        rule="RUN003", name="unknown-error", severity="error", confidence="low", key=f"line {trace.number}",
        message=f"The first error in this log is `{said}`, which only shows that something else failed or did "
                "not answer; the cause is not in the log.",
        evidence=(Evidence("log", observed=shown(f"{trace.raised}: {trace.message}"), source=f"line {trace.number}"),),
        remediations=(RERUN,),
    )  # fmt: skip


def _nothing(digest: Digest) -> Finding:
    return nothing_in(digest.lines[-1].number if digest.lines else 0)


def nothing_in(lines: int) -> Finding:
    """That a text of so many lines holds no failure."""
    return Finding(
        rule="RUN004", name="no-failure-in-log", severity="note", confidence="low",
        message=f"No failure is written in this log ({lines} lines). If a server ended here, it left no message.",
        remediations=(RERUN,),
    )  # fmt: skip
