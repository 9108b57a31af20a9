"""`X>=a,<b is required ... but found X==c`: the direction is arithmetic."""

from __future__ import annotations

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from doctor.base.late import late_pattern
from doctor.explain.context import Digest
from doctor.explain.matching import Candidate
from doctor.explain.refine.history import parsed
from doctor.explain.refine.refined import Refined, install

_BOUND = late_pattern(r"(?:>=|~=|==|>)\s?v?(?P<version>[\w.]{1,40})")
_MAKERS = {"huggingface-hub": "transformers", "tokenizers": "transformers"}


def required_range(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `package`, `specifier` and `found`."""
    groups = candidate.match.groupdict()
    package = (groups.get("package") or "").replace("_", "-").lower()
    spec, have = (groups.get("specifier") or "").strip(" `'\"."), groups.get("found") or digest.version(package)
    asker = groups.get("asker") or _MAKERS.get(package, "the program that imports it")
    try:
        wanted = SpecifierSet(spec.replace("v", "") if spec.startswith(("=", ">", "<", "~", "!")) else f">={spec}")
    except InvalidSpecifier:
        return Refined()
    version = parsed(have)
    if version is None:
        way = "upgrade" if _BOUND.search(str(wanted)) else "downgrade"
        return Refined(f"{package} {wanted} is needed and not what is installed", (install(package, way, str(wanted)),))
    if wanted.contains(version, prereleases=True):
        return Refined(
            f"{package} {have} fits {wanted}, but another copy of it was loaded",
            (install(package, "reinstall", f"=={have}"),),
        )
    lower = [parsed(s.version.replace(".*", "")) for s in wanted if s.operator in (">=", ">", "==", "~=", "===")]
    way = "upgrade" if any(v is not None and version < v for v in lower) else "downgrade"
    word = "too old" if way == "upgrade" else "too new"
    ways = [install(package, way, _ordered(wanted))]
    if way == "downgrade" and package in _MAKERS:
        ways.append(
            install(
                _MAKERS[package],
                "upgrade",
                title=f"or upgrade {_MAKERS[package]} to a release that takes {package} {have}",
            )
        )
    return Refined(f"the installed {package} {have} is {word}: {asker} needs {package}{_ordered(wanted)}", tuple(ways))


def _ordered(wanted: SpecifierSet) -> str:
    """Lower bounds before upper ones, so that what a reader sees first is where to go."""
    return ",".join(sorted(map(str, wanted), key=lambda s: ("<" in s, s)))


def lmdeploy_range(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `low`, `high` and `found` of lmdeploy's warning about transformers."""
    groups = candidate.match.groupdict()
    low, high, have = parsed(groups.get("low")), parsed(groups.get("high")), parsed(groups.get("found"))
    if low is None or high is None or have is None:
        return Refined()
    back = install("transformers", "downgrade", f"<={high}")
    engine = install("lmdeploy", "upgrade", title="or upgrade lmdeploy to a release for the installed transformers")
    return Refined(remediations=(install("transformers", "upgrade", f">={low}"),) if have < low else (back, engine))
