"""Modules that are the user's own, and modules that no known distribution provides: nothing to install for either."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.explain.context import SOURCE_TREE
from doctor.explain.matching import Candidate
from doctor.explain.refine.refined import Refined, manual
from doctor.matrix.engines import engine_row
from doctor.matrix.module_names import provider_of

_SITE = late_pattern(
    r"(?:site|dist)-packages[/\\]|[/\\]lib[/\\]python3(?:\.\d{1,2})?[/\\]|[/\\]Lib[/\\]\w|<frozen|<string>"
)
_PATH = late_pattern(r"\((?P<path>(?:/|[A-Z]:\\)[^()\n]{1,300}\.py|unknown location)\)")
_REMOTE = "transformers_modules"


def is_known(module: str) -> bool:
    """Whether some distribution is known to provide the top level of a module."""
    top = module.partition(".")[0]
    return provider_of(top) is not None or engine_row(top).name == top


def is_own(path: str) -> bool:
    """Whether a source file lies outside of everything that installers write."""
    return bool(path) and not _SITE.search(path) and not SOURCE_TREE.search(path) and _REMOTE not in path


def importer_of(candidate: Candidate) -> str:
    """The innermost file of the traceback: the one whose import failed; empty where there is none."""
    trace = candidate.line.trace
    return trace.frames[-1].file if trace and trace.frames else ""


def own_name(name: str, module: str, candidate: Candidate) -> Refined | None:
    """`cannot import name` where the module that was found is a file of the user's; None where it is not."""
    said = _PATH.search(candidate.line.text)
    path = said["path"] if said else ""
    if not is_own(path) or path == "unknown location":
        return None
    if is_known(module):
        return _hidden(module, path) if _hides(module, path) else None
    asker = importer_of(candidate)
    where = f" (imported in `{asker}`)" if asker else ""
    return Refined(
        f"`{path}`, a file of your own project, does not define `{name}`{where}",
        (manual(f"define `{name}` in {path}, or correct the import; the file is not part of any installed package"),),
    )


def unprovided(module: str, candidate: Candidate) -> Refined | None:
    """`No module named` where no distribution is known to provide it; None where one is."""
    top = module.partition(".")[0]
    if is_known(module):
        return None
    asker = importer_of(candidate)
    text = f"the Python module `{module}` was not found, and no distribution is known to provide `{top}`"
    if is_own(asker):
        return Refined(
            f"{text}; `{asker}`, a file of your own, imports it",
            (manual(f"if `{top}` is part of your project, start in its folder or put that folder on PYTHONPATH"),
             manual(f"if it is not, see which package the author of {asker} names for it")),
            confidence="medium",
        )  # fmt: skip
    by = f" (imported in `{asker}`)" if asker else ""
    return Refined(
        f"the Python module `{module}`{by} is not installed, and which distribution provides it is not known",
        (manual(f"see what the package that imports `{top}` requires; a package of the same name may be another"),),
    )


def unreleased(name: str, module: str, candidate: Candidate) -> Refined:
    """A name that a module lacks of which nothing is known: neither its distribution nor its releases."""
    asker = importer_of(candidate)
    by = f", which `{asker}` imports" if asker else ""
    return Refined(
        f"`{module}` has no `{name}`{by}; no distribution is known to provide `{module}`",
        (manual(f"if `{module}` is your own, define `{name}` there; else compare its release with what imports it"),),
        confidence="medium",
    )


def _hides(module: str, path: str) -> bool:
    """Whether the file has the module's own name and stands alone: `numpy.py`, and not `numpy/__init__.py`."""
    return path.replace("\\", "/").rpartition("/")[2] == f"{module.partition('.')[0]}.py"


def _hidden(module: str, path: str) -> Refined:
    return Refined(
        f"`{path}`, a file of your own, hides the installed package `{module}`",
        (manual(f"rename {path}, and delete its __pycache__ folder"),),
    )
