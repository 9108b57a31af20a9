"""`No module named X`: which distribution brings X, or why installing a package of that name is not the answer."""

from __future__ import annotations

from doctor.base.json_object import JsonObject
from doctor.base.late import late_pattern
from doctor.explain.context import Digest, packages_of
from doctor.explain.matching import Candidate
from doctor.explain.refine.history import window
from doctor.explain.refine.names import distribution_of, special_module
from doctor.explain.refine.own import unprovided
from doctor.explain.refine.refined import Refined, install, manual
from doctor.explain.refine.started import started_module
from doctor.findings import Remediation

_WORD = late_pattern(r"[A-Za-z_][\w.\-]{0,80}")
_BY_RELEASE = ("gone", "newer", "newer-below", "other-release")  # of what the index covers, it knows better
_HERE = "in the environment that runs the server: `python -m pip install {0}`"


def missing_module(candidate: Candidate, digest: Digest) -> Refined:
    """For the group `module`."""
    module = (candidate.match.groupdict().get("module") or "").strip("'\"")
    if (wrong := started_module(module, candidate, digest)) is not None:
        return wrong
    row = special_module(module)
    if row is None and (stranger := unprovided(module, candidate)) is not None:
        return stranger
    if row is None:
        return _plain(module, distribution_of(module), _importer(candidate, module))
    return _special(module, row, candidate, digest)


def required_packages(candidate: Candidate, digest: Digest) -> Refined:
    """For the group `packages`: what remote code of a model asks for, `flash_attn, einops`."""
    wanted = _WORD.findall(candidate.match.groupdict().get("packages") or "")[:8]
    names = [distribution_of(w) for w in wanted]
    ways = [install(n, "install") for n in names]
    text = "the code of the model needs " + ", ".join(f"`{n}`" for n in names) + ", which cannot be imported here"
    if "flash_attn" in wanted:
        ways = [
            install(
                "flash-attn",
                "install",
                title="install flash-attn for the installed torch: pip install flash-attn --no-build-isolation",
            ),
            manual(
                "if it is installed already, `python -c 'import flash_attn'` shows why it does not load: it was "
                "built for another torch"
            ),
            manual("or load the model without it: attn_implementation='eager' or 'sdpa'"),
        ]
        text += " (not installed, or installed and built for another torch)"
    return Refined(text, tuple(ways))


def _importer(candidate: Candidate, module: str) -> str:
    trace = candidate.line.trace
    found = packages_of(trace) if trace else []
    return found[-1] if found and found[-1] != module.partition(".")[0] else ""


def _plain(module: str, package: str, importer: str) -> Refined:
    by = f" (imported by `{importer}`)" if importer else ""
    text = f"the Python module `{module}`{by} is not installed: it comes with `{package}`"
    if package == "torch":
        first = install(
            "torch",
            "install",
            title="install torch first; then build what needs it with pip install PACKAGE --no-build-isolation",
        )
        return Refined(text, (first,))
    if package == "optimum":
        second = manual(
            "for a GPTQ checkpoint, a GPTQ backend too (gptqmodel or auto-gptq), or let the engine read "
            "it: --quantization gptq"
        )
        return Refined(text, (install("optimum", "install"), second))
    if package == "qwen-vl-utils":
        return Refined(
            text,
            (install("qwen-vl-utils", "install", title="install qwen-vl-utils: pip install 'qwen-vl-utils[decord]'"),),
        )
    if package == "nvshmem4py-cu12":
        return Refined(
            text,
            (install(package, "install", title="pip install nvshmem4py-cu12 nvidia-nvshmem-cu12 (…-cu13 on CUDA 13)"),),
        )
    if package in ("tiktoken", "sentencepiece"):
        both = manual(
            "a tokenizer without tokenizer.json is converted by tiktoken or sentencepiece: pip install "
            "tiktoken sentencepiece protobuf"
        )
        return Refined(text, (install(package, "install"), both))
    return Refined(text, (install(package, "install", title=f"install {package} " + _HERE.format(package)),))


def _special(module: str, row: JsonObject, candidate: Candidate, digest: Digest) -> Refined:
    kind, package = str(row["kind"]), str(row.get("package") or distribution_of(module))
    spec = row.get("specifier")
    if kind == "history":
        return _history(module, package, candidate, digest)
    if kind in ("plain", "newer-or-install") and "." not in module:
        return _plain(module, package, _importer(candidate, module))
    if (
        kind in ("newer-below", "unix-or-install")
        and "." not in module
        and not (kind.startswith("unix") and digest.windows)
    ):
        return _plain(module, package, _importer(candidate, module))
    if kind in _BY_RELEASE and "." in module and window(digest, package, module) is not None:
        return _history(module, package, candidate, digest)
    if kind in ("newer", "newer-below", "newer-or-install"):
        return Refined(
            f"the installed `{package}` is too old: it has no module `{module}` yet",
            (install(package, "upgrade", spec),),
        )
    if kind in ("gone", "other-release"):
        back = install(package, "downgrade", spec)
        return _gone(module, package, back, _importer(candidate, module), sure=kind == "gone")
    return _text(kind, module, package, digest)


def _gone(module: str, package: str, way: Remediation, importer: str, *, sure: bool) -> Refined:
    text = f"the module `{module}` is not in the installed `{package}`: a newer release moved or removed it"
    if importer:
        text += f", and `{importer}` was written for an older one"
    ways = [way]
    if importer:
        ways.append(
            install(
                distribution_of(importer), "upgrade", title=f"or upgrade {distribution_of(importer)} to a newer release"
            )
        )
    return Refined(text, tuple(ways), confidence=None if sure else "medium")


def _history(module: str, package: str, candidate: Candidate, digest: Digest) -> Refined:
    if "." not in module:
        return _plain(module, package, _importer(candidate, module))
    parent, _, last = module.rpartition(".")
    found = window(digest, package, module) or window(digest, package, parent, last)
    if found is not None and found.direction == "downgrade":
        return _gone(module, package, found.remediation(), _importer(candidate, module), sure=True)
    have = digest.version(package)
    text = f"the installed `{package}`{f' ({have})' if have else ''} is too old: it has no module `{module}`"
    if found is None:
        return Refined(text, (install(package, "upgrade"),))
    return Refined(f"{text}, which came with {package} {found.having.oldest}", (found.remediation(),),
                   evidence=(found.evidence(module),))  # fmt: skip


def _text(kind: str, module: str, package: str, digest: Digest) -> Refined:
    if kind in ("unix", "unix-or-install"):
        return Refined(
            f"`{module}` exists only on Linux and other Unix systems: this server does not run on native Windows",
            (manual("run it under WSL 2, in a Linux container (Docker) or on a Linux machine"),),
        )
    if kind == "triton":
        windows = manual("run under WSL2 or Linux, or install triton-windows")
        where = "; for Windows there is no official triton" if digest.windows else ""
        return Refined(f"`triton` is not installed{where}", (windows if digest.windows else install(kind, "install"),))
    if kind == "native":
        return _native(module, package)
    if kind == "pyairports":
        return _pyairports()
    return _python_itself(kind, module, package)


def _native(module: str, package: str) -> Refined:
    again = f"reinstall {package} from its prebuilt wheel: pip install --force-reinstall {package}"
    return Refined(
        f"the compiled extension `{module}` of `{package}` is not in this installation: it was never built, or "
        "a source tree (source checkout) in the working directory shadows the installed package",
        (
            install(package, "reinstall", title=again),
            manual(f"start from another directory than the source tree of {package}, or build it: pip install -e ."),
            manual("check that the wheel is for this Python version and this platform"),
        ),
    )


def _pyairports() -> Refined:
    newer = "upgrade outlines, or upgrade vllm to a newer vllm that does not need it"
    return Refined(
        "`pyairports`, which old releases of outlines import, was removed from PyPI (deleted and reused)",
        (
            install("outlines", "upgrade", title=newer),
            manual("or install pyairports from source: pip install git+ its repository"),
        ),
    )


def _python_itself(kind: str, module: str, package: str) -> Refined:
    """Modules that a Python has no more or was built without, and those that no index has under their name."""
    if kind == "setuptools":
        return Refined(
            "`pkg_resources` is gone: it belongs to setuptools, which is absent or newer than 81",
            (install("setuptools", "downgrade", "<82"),),
        )
    if kind == "python-312":
        text = f"Python 3.12 has no `{module}` any more; it comes with setuptools"
        return Refined(text, (install("setuptools", "install"),))
    if kind.endswith("-gone"):
        dotted = "3.12" if "312" in kind else "3.13"
        return Refined(
            f"Python {dotted} has no `{module}` any more: the package that imports it was written for an older Python",
            (manual(f"upgrade the package that imports `{module}`, or use a Python older than {dotted}"),),
        )
    if kind == "python-built-without":
        way = manual(f"install {package} and build Python again, or use the distribution's python3")
        return Refined(f"this Python was built without `{module}`", (way,))
    if kind == "remote-code":
        copy = "copy all *.py files of the model next to its config.json and give the folder a name without dots"
        return Refined(
            f"a file of the model's own code is missing or its folder has a name Python cannot import (`{module}`)",
            (manual(copy), manual("clear ~/.cache/huggingface/modules and load again with --trust-remote-code")),
        )
    way = manual(f"install {package} from its source repository")
    return Refined(f"`{module}` is not on PyPI under this name", (way,))
