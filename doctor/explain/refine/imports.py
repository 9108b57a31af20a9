"""`cannot import name X from Y`: whether Y is too old, too new, misspelt, shadowed, or two copies are mixed."""

from __future__ import annotations

import difflib
import re

from doctor.base.late import late_pattern
from doctor.explain.context import Digest, packages_of
from doctor.explain.matching import Candidate
from doctor.explain.refine.history import releases_with, window
from doctor.explain.refine.names import changed_name, distribution_of
from doctor.explain.refine.own import is_known, own_name, unreleased
from doctor.explain.refine.refined import Refined, install, manual
from doctor.facts import normalize
from doctor.findings import Remediation
from doctor.matrix.windows import Window

_REMOTE = late_pattern(r"transformers_modules|/modules/transformers_modules/")
_SHOW = "check that this interpreter sees the new one: python -m pip show {0}"
_SPELLING = late_pattern(r"[_\-]")
_CLASSES = (
    "Qwen2VLForConditionalGeneration",
    "Qwen2_5_VLForConditionalGeneration",
    "Qwen3VLForConditionalGeneration",
    "Qwen3VLMoeForConditionalGeneration",
    "Qwen2_5OmniForConditionalGeneration",
    "Qwen2AudioForConditionalGeneration",
    "LlavaForConditionalGeneration",
    "LlavaNextForConditionalGeneration",
    "Gemma3ForConditionalGeneration",
    "InternVLForConditionalGeneration",
    "MllamaForConditionalGeneration",
    "Glm4vForConditionalGeneration",
    "AutoModelForImageTextToText",
    "AutoModelForVision2Seq",
    "AutoProcessor",
    "AutoModelForCausalLM",
    "AutoTokenizer",
    "Qwen2VLProcessor",
    "Qwen2_5_VLProcessor",
    "Qwen3VLProcessor",
    "Qwen2TokenizerFast",
    "BitsAndBytesConfig",
)


def missing_name(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `name` and `module` (and `path`)."""
    groups = candidate.match.groupdict()
    name, module = groups["name"] or "", groups["module"] or ""
    top = module.partition(".")[0]
    if "partially initialized module" in candidate.line.text or "circular import" in candidate.line.text:
        return _circular(name, module)
    if "." not in module and "(unknown location)" in candidate.line.text:
        return _hollow(name, module)
    if (own := own_name(name, module, candidate)) is not None:
        return own
    package = distribution_of(top)
    importer = _importer(candidate, top)
    right = _respelt(name, package, module)
    if right:
        return Refined(
            f"the name `{name}` is misspelled: the class in `{module}` is called `{right}`",
            (manual(f"write `{right}` instead of `{name}`: it is a typo, not a matter of the version"),),
        )
    found = window(digest, package, module, name)
    known = changed_name(module, name) if found is None else None
    if known:
        return _known_change(package, module, name, importer, known, digest)
    if found is None and not is_known(module):
        return unreleased(name, module, candidate)
    return _by_history(package, module, name, importer, found, digest)


def _hollow(name: str, package: str) -> Refined:
    """Python found a folder of that name without the package's `__init__.py`: no matter of versions."""
    distribution = distribution_of(package)
    return Refined(
        f"`{package}` was imported from a folder without its `__init__.py`: a folder `{package}` in the "
        f"working directory or on PYTHONPATH hides it, or its installation is incomplete (`{name}` was looked for)",
        (
            manual(f"start in another folder: where the server starts, a folder named `{package}` comes first"),
            install(distribution, "reinstall", title=f"or reinstall {distribution}: pip install --force-reinstall"),
        ),
    )


def config_name(candidate: Candidate, digest: Digest) -> Refined:
    """For `name 'PreTrainedConfig' is not defined` in a library that patches the source of transformers."""
    importer = _importer(candidate, "transformers")
    ways = [install(distribution_of(importer), "upgrade")] if importer else []
    ways.append(install("transformers", "downgrade", "<5"))
    return Refined(values={"importer": importer or "the library"}, remediations=tuple(ways))


def missing_attribute(candidate: Candidate, digest: Digest) -> Refined:
    """For `module 'X' has no attribute 'Y'` (groups `module`, `name`)."""
    return missing_name(candidate, digest)


def _importer(candidate: Candidate, top: str) -> str | None:
    """The installed package whose code asked for the name: the innermost one that is not the provider itself."""
    trace = candidate.line.trace
    if trace is None or (trace.frames and _REMOTE.search(trace.frames[-1].file)):
        return None
    others = [p for p in packages_of(trace) if p != top]
    return others[-1] if others else None


def _by_history(
    package: str, module: str, name: str, importer: str | None, found: Window | None, digest: Digest
) -> Refined:
    have = digest.version(package)
    asker = distribution_of(importer) if importer else None
    who = f"`{asker}`" if asker else "the code that imports it"
    seen = f"the installed {package} {have}" if have else f"the installed {package}"
    if found is None:
        text = f"{seen} is too old: it has no `{name}` in `{module}`, which {who} needs"
        return Refined(text, (install(package, "upgrade"), manual(_SHOW.format(package))))
    evidence = (found.evidence(f"{module}.{name}"),)
    if found.direction == "upgrade":
        text = (
            f"{seen} is too old: it has no `{name}` in `{module}`, which {who} needs (it came with {package} "
            f"{found.having.oldest})"
        )
        return Refined(text, (found.remediation(), manual(_SHOW.format(package))), evidence=evidence)
    if found.direction == "downgrade":
        text = (
            f"{seen} is too new: `{name}` is no longer in `{module}` (removed after {package} "
            f"{found.having.newest}), but {who} needs it"
        )
        return Refined(text, _back(found.remediation(), package, asker), evidence=evidence)
    text = (
        f"`{name}` is not in the `{module}` that was loaded although {package} {have} should have it: two "
        "copies are mixed"
    )
    again = install(package, "reinstall", title=f"reinstall {package} in a clean environment")
    return Refined(text, (again,), evidence=evidence)


def _known_change(
    package: str, module: str, name: str, importer: str | None, known: dict[str, str], digest: Digest
) -> Refined:
    """For a change that is written down by hand because no index covers the package."""
    asker = distribution_of(importer) if importer else None
    who = f"`{asker}`" if asker else "the code that imports it"
    have = digest.version(package)
    seen = f"the installed {package}{f' {have}' if have else ''}"
    package = known.get("package", package)
    if known["direction"] == "upgrade":
        message = f"{seen} is too old: `{name}` of `{module}`, which {who} needs, {known['why']}"
        return Refined(message, (install(package, "upgrade", known.get("specifier")),))
    message = f"{seen} is too new: `{name}` is no longer in `{module}`, {known['why']}, but {who} needs it"
    return Refined(message, _back(install(package, "downgrade", known.get("specifier")), package, asker))


def _back(way: Remediation, package: str, asker: str | None) -> tuple[Remediation, ...]:
    ways = [way]
    if asker and normalize(asker) != normalize(package):
        ways.append(
            install(asker, "upgrade", title=f"or upgrade {asker} to a newer release that no longer imports the name")
        )
    return tuple(ways)


def _circular(name: str, module: str) -> Refined:
    top = module.partition(".")[0]
    return Refined(
        f"`{module}` was still being loaded when `{name}` was requested from it: a file of your own named `{top}.py` "
        "hides the package, "
        f"or the installed parts of `{top}` are from different releases",
        (
            manual(f"rename a file or folder called `{top}` in the working directory"),
            install(
                distribution_of(top),
                "reinstall",
                title=f"reinstall {distribution_of(top)} so that all its files are of one release",
            ),
        ),
        confidence="medium",
    )


def _respelt(name: str, package: str, module: str) -> str | None:
    """The class that is meant where only underscores or capitals differ, or one letter in a long name does."""
    if package != "transformers" or name in _CLASSES:
        return None
    plain = {_SPELLING.sub("", c).lower(): c for c in _CLASSES}
    same = plain.get(_SPELLING.sub("", name).lower())
    if same:
        return same
    found = releases_with(package, module, name)
    if found is not None and found.versions:
        return None
    near = difflib.get_close_matches(name, _CLASSES, 1, 0.94)
    return near[0] if near and len(name) > 12 and not _differs_in_digits(name, near[0]) else None


def _differs_in_digits(one: str, other: str) -> bool:
    return re.sub(r"\D", "", one) != re.sub(r"\D", "", other)
