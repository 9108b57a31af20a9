"""Packages that a model needs of an engine which does not require them by itself."""

from __future__ import annotations

from doctor.derived.engine import Chosen
from doctor.facts import Model, normalize
from doctor.matrix import rows
from doctor.matrix.compat import DISTRIBUTIONS
from doctor.matrix.helpers import helpers


def needed(chosen: Chosen, model: Model) -> dict[str, str]:
    """Packages that this engine does not require and imports for this model, with where that is written."""
    out: dict[str, str] = {}
    row = chosen.row("requires", "imports", "architectures.vision")
    required = {name for name, lines in row.get("requires", {}).items() if any("extra" not in line for line in lines)}
    files = {
        module.replace(".", "/") + ".py"
        for a in model.architectures
        if isinstance(value := row.get("architectures.vision", {}).get(a), str)
        for module in (value, value.rpartition(".")[0])
    }
    for key, (when, file) in row.get("imports", {}).items():
        package = package_of(key.partition(":")[0])
        if file in files and when != "guarded" and package not in required | {"huggingface-hub"}:
            out.setdefault(package, f"{file} of {chosen.shown}")
    method = model.quantization.method.lower() if model.quantization else None
    for kernel in (k for k in helpers().kernels if (k.engine, k.method) == (chosen.name, method)):
        if kernel.package not in required:
            out.setdefault(kernel.package, kernel.source)
    read = model.code is not None and bool(model.code.files)  # then MDL006 knows better what that code imports
    for entry in helpers().remote_code if model.remote_code and not read else ():
        if entry.architecture in model.architectures and chosen.name in entry.engines:
            out |= dict.fromkeys((p for p in entry.packages if p not in required), entry.source)
    return out


def package_of(module: str) -> str:
    """The distribution that brings a module, by its top-level name."""
    top = module.partition(".")[0]
    return normalize(DISTRIBUTIONS.get(top, top))


def imports_helper(engine: str, version: str | None, package: str) -> bool | None:
    """Whether a release of the engine still imports a helper package: a row that someone wrote ends with the import.

    The newest release where `version` is None. None where no release is known to import it: the wheels do not say.
    """
    top, known = package.replace("-", "_"), rows.releases(engine)
    importing = None
    for key in rows.keys(engine, "imports"):
        if key.partition(":")[0].partition(".")[0] == top:
            for releases, _ in rows.history(engine, "imports", key):
                importing = releases if importing is None else importing | releases
    newest = known.versions[-1] if known is not None and known.versions else None
    asked = version or newest
    return importing.contains(asked) if importing is not None and asked is not None else None
