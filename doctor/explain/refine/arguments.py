"""Flags and keyword arguments that the program which ran does not take."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.explain.context import Digest, packages_of
from doctor.explain.matching import Candidate
from doctor.explain.refine.names import distribution_of
from doctor.explain.refine.refined import Refined, install, manual
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engines, serving_engines

_SAMPLING = {
    "temperature",
    "temp",
    "top-p",
    "top-k",
    "top_p",
    "top_k",
    "min-p",
    "repetition-penalty",
    "repeat-penalty",
    "max-tokens",
    "max-new-tokens",
    "presence-penalty",
    "frequency-penalty",
    "stop",
    "n-predict",
}
_LLAMA = {
    "ctx-size",
    "n-gpu-layers",
    "ngl",
    "threads",
    "mmproj",
    "jinja",
    "flash-attn",
    "no-mmap",
    "mlock",
    "batch-size",
    "ubatch-size",
}
_FLAG = late_pattern(r"(?:^|\s)(?P<flag>--?[A-Za-z][\w-]{0,80})")
# Renamed or dropped: flag -> what to write instead (read from the command lines of the published releases).
_RENAMED = {
    "enable-reasoning": "--reasoning-parser alone (newer releases need no --enable-reasoning)",
    "disable-vision-encoder": "--language-model-only (lmdeploy 0.15 and newer)",
    "guided-decoding-backend": "--structured-outputs-config '{\"backend\": ...}' (newer vllm)",
    "worker-use-ray": "--distributed-executor-backend ray",
    "disable-log-requests": "nothing: it is the default in newer releases (--enable-log-requests turns it on)",
    "num-scheduler-steps": "nothing: the V1 engine has no such option",
    "swap-space": "nothing: the V1 engine has no swap space",
    "use-v2-block-manager": "nothing: it is always on",
    "preemption-mode": "nothing: the V1 engine has no such option",
    "image-input-type": "nothing: it was removed in vllm 0.5",
    "image-token-id": "nothing: it was removed in vllm 0.5",
    "task": "--runner / --convert in newer vllm",
    "cache-max-entry-count": "--gpu-memory-utilization in vllm; this is an lmdeploy flag",
    "tp": "--tensor-parallel-size",
    "quant-policy": "--kv-cache-dtype in vllm; this is an lmdeploy flag",
    "tokenizer-mode": "a newer release for this mode",
}


def arguments(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `program` and `arguments` of argparse's `unrecognized arguments`."""
    groups = candidate.match.groupdict()
    given, program = groups.get("arguments") or "", groups.get("program") or ""
    engine = _engine(program, digest)
    flags = [f["flag"].lstrip("-") for f in _FLAG.finditer(given)]
    if not flags:
        return Refined(
            f"`{program}` does not accept a positional argument here, but got `{given.strip()}`: the "
            "entrypoint of the image already is the server",
            (
                manual(
                    "give the model with --model (`--model PATH`), without `serve` and without a positional argument"
                ),
                manual("or start it as `vllm serve PATH`: set the container's entrypoint to that"),
            ),
        )
    first = flags[0]
    if first in _SAMPLING:
        return Refined(
            f"`--{first}` is not a {engine} server option (no such flag): sampling parameters go in the "
            "request body, per request",
            (
                manual(
                    f"remove --{first}; send it in each request, or set it by the model's generation "
                    "config (--generation-config)"
                ),
            ),
        )
    if first in _LLAMA and engine != "llama.cpp":
        return Refined(
            f"`--{first}` is an option of llama.cpp, {engine} does not know it (no such flag)",
            (manual(f"remove --{first}"),),
        )
    if "_" in first or given.startswith("—") or "–" in given:
        return Refined(
            f"`{given.strip()}` is not how {engine} spells it", (manual(f"write --{first.replace('_', '-')}"),)
        )
    return _unknown(flags, engine, digest)


def _unknown(flags: list[str], engine: str, digest: Digest) -> Refined:
    have = digest.version(engine)
    seen = f"the {engine} that ran{f' ({have})' if have else ''}"
    names = ", ".join(f"--{f}" for f in flags[:6])
    hint = next((_RENAMED[f] for f in flags if f in _RENAMED), None)
    ways = [
        install(
            engine,
            "upgrade",
            title=f"upgrade {engine} to a release that has the flag, or run the newer "
            f"one: another {engine}, an older one, may come first on PATH",
        ),
        manual(f"or remove {names}"),
    ]
    if hint:
        ways.insert(1, manual(f"in newer releases write {hint}"))
    return Refined(
        f"{seen} does not know {names}: it is too old for it, or the flag was removed or belongs to "
        "another program (no such option)",
        tuple(ways),
    )


def _engine(program: str, digest: Digest) -> str:
    low = program.lower()
    if named := next((e.name for e in engines() if not e.library and (e.name in low or e.package in low)), None):
        return named
    by_module = [e.name for e in engines() if any(low.startswith(tail) for tail in _tails(e))]
    if by_module:
        return digest.engine if digest.engine in by_module else by_module[-1]
    return digest.engine or program or "the program"


def _tails(one: Engine) -> set[str]:
    """The last parts of the modules that serve and need no subcommand: argparse calls the program so."""
    return {f.module.rpartition(".")[2] for f in one.launches if f.module and not f.subcommand}


def _taker(callee: str) -> str:
    """The engine of which this is a class or function that takes its options; empty for anything else."""
    return next((e.name for e in reversed(engines()) if any(c in callee for c in e.argument_classes)), "")


def keyword(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `callee` and `name` of `got an unexpected keyword argument`."""
    groups = candidate.match.groupdict()
    callee, name = groups.get("callee") or "", groups.get("name") or ""
    trace = candidate.line.trace
    found = packages_of(trace) if trace else []
    owner = distribution_of(found[-1]) if found else digest.engine or "the package"
    if _taker(callee):
        owner = digest.engine if digest.engine in serving_engines() else _taker(callee)
    if "-" in name:
        right = name.replace("-", "_")
        return Refined(
            f"`{name}` was passed on as a Python keyword with hyphens; its name has underscores: "
            f"`{right}`, and its value may have to be a dict (JSON)",
            (
                manual(
                    f"write {right} with underscores, with a JSON value where it is a mapping, such as "
                    f'{right}={{"image": 5}}'
                ),
            ),
        )
    have = digest.version(owner)
    caller = next((distribution_of(p) for p in reversed(found) if distribution_of(p) != owner), None)
    text = (
        f"`{callee or 'a function'}` of the installed `{owner}`{f' {have}' if have else ''} does not accept "
        f"the argument `{name}`: it is too old for its caller, or dropped the argument"
    )
    ways = [install(owner, "upgrade")]
    if caller:
        ways.append(install(caller, "upgrade", title=f"or upgrade {caller}, which passes the argument"))
    ways.append(manual(f"or remove {name}"))
    return Refined(text, tuple(ways), confidence="medium")
