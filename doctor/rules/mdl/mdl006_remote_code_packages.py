"""The model's own code needs packages that are not installed.

Before it runs a model's Python files, transformers scans them and imports every package that they name, wherever in the
file the import is, except inside `try` and, in newer releases, below `if is_..._available()`. If any are missing, the
start fails with `This modeling file requires the following packages that were not found in your environment: ...`. No
engine's metadata requires them, so no installer notices. All missing packages are listed at once.

What to do: install them. A package and its import may have different names (`PIL` comes with pillow).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.remote_code import Use, demanded, used_files
from doctor.derived.model_files import code_unread, file
from doctor.derived.packages.other_releases import direction
from doctor.derived.packages.providers import owner_of
from doctor.derived.units import listed
from doctor.facts import CodeImport, Distributions, Facts, Model, RemoteCode, normalize, present
from doctor.findings import Action, Evidence, Finding, NotApplicable, Open, Remediation
from doctor.matrix import rows
from doctor.matrix.compat import compatibility
from doctor.matrix.releases import ReleaseSet
from doctor.rules.rule import Rule, Verdict

# importable name -> distribution, where they differ and the name alone would mislead
_NAMES = {"PIL": "pillow", "cv2": "opencv-python-headless", "sklearn": "scikit-learn", "yaml": "pyyaml",
          "skimage": "scikit-image", "bs4": "beautifulsoup4", "fitz": "pymupdf", "google": "protobuf"}  # fmt: skip


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding with every package that is missing."""
    facts = case.facts
    model: Model = present(facts, "model", Model)
    distributions: Distributions = present(facts, "distributions", Distributions)
    code = model.code
    if code is None or not code.files:
        yield code_unread(model) if code is None else Open("the model's code was not read")
        return
    files = used_files(case)
    absent = {top: one for top, one in demanded(case).items() if _absent(facts, code, top)}
    if not files:
        yield NotApplicable("the engine has this model in its own code")
    elif not absent:
        return
    elif not distributions.complete and code.absent is None:
        names = listed(tuple(_package(t) for t in absent))
        yield Open(f"the model's code needs {names}, which the declaration does not name")
    else:
        yield _finding(rule, case, model, files, absent)


def _absent(facts: Facts, code: RemoteCode, top: str) -> bool:
    if code.absent is not None:
        return top in code.absent
    return top not in sys.stdlib_module_names and owner_of(facts, top) is None and not _pinned(facts, top)


def _pinned(facts: Facts, top: str) -> bool:
    """Whether a declaration has the package: its distributions bring no list of what they are imported as."""
    known = facts.distributions if isinstance(facts.distributions, Distributions) else None
    return known is not None and known.get(_package(top)) is not None


def _finding(rule: Rule, case: Case, model: Model, files: dict[str, Use], absent: dict[str, CodeImport]) -> Finding:
    first = next(iter(absent.values()))
    sure = any(files[one.file] == "yes" for one in absent.values())
    names = tuple(absent)
    which = f"{listed(names)}, which {'is' if len(names) == 1 else 'are'} not installed"
    return rule.finding(
        f"The model's own code needs {which} (`{first.file}:{first.line}`): "
        + ("transformers stops before running it" if sure else "loading that code fails"),
        key=",".join(names), severity="error" if sure else "warning", location=file(model, first.file, first.line),
        evidence=[Evidence(top, "not installed", "installed", f"{one.file}:{one.line}") for top, one in absent.items()],
        remediations=[_install(case, tuple(_package(t) for t in names))],
    )  # fmt: skip


def _install(case: Case, packages: tuple[str, ...]) -> Remediation:
    """All at once, with the transformers that they link with where this one is not among those."""
    facts = case.facts
    actions = tuple(Action("install", package=name, direction="install") for name in packages)
    here = facts.distributions.get("transformers") if isinstance(facts.distributions, Distributions) else None
    fitting = [f for name in packages if here and (f := _fitting(name)) and f.contains(here.version) is False]
    if not here or not fitting:
        return Remediation(f"install {', '.join(packages)}", actions, "safe")
    together = fitting[0]
    for chosen in case.engine:
        engine = compatibility(chosen.name, chosen.version)
        together = together & engine.fitting if engine and (together & engine.fitting).newest else together
    way = direction(together, here.version)
    other = Action("install", package="transformers", specifier=together.spec(), direction=way)
    title = f"install {', '.join(packages)} and {way} transformers to {together.spec()}, which it works with"
    return Remediation(title, (*actions, other), "unsafe")


def _fitting(package: str) -> ReleaseSet | None:
    """The transformers releases with which the newest release of the package links; None where the data has none."""
    known = rows.releases(package)
    found = compatibility(package, known.versions[-1]) if known else None
    return found.derived if found and found.derived.newest else None


def _package(top: str) -> str:
    return _NAMES.get(top) or normalize(top)


RULE = Rule(
    code="MDL006", name="remote-code-packages", severity="error", check=check, needs=("model", "distributions")
)  # fmt: skip
