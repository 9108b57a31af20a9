"""What a transformers release knows: model types, architectures, quantisers, and its own gates on other packages."""

from __future__ import annotations

import ast
from typing import Any

from doctor.matrix.extract.decision import expression
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.flags import functions
from doctor.matrix.extract.literals import constants
from doctor.matrix.files.row import Row

CONFIGURATION = "transformers/models/auto/configuration_auto.py"
MAPPINGS = "transformers/models/auto/auto_mappings.py"
MODELING = "transformers/models/auto/modeling_auto.py"
QUANTIZERS = "transformers/quantizers/auto.py"
QUANTIZATION = "transformers/utils/quantization_config.py"
TABLE, GATES = "transformers/dependency_versions_table.py", "transformers/dependency_versions_check.py"
AVAILABILITY = "transformers/utils/import_utils.py"
# The tables of modeling_auto whose classes generate text, from text or from pictures.
GENERATING = ("CAUSAL_LM", "IMAGE_TEXT_TO_TEXT", "VISION_2_SEQ", "MULTIMODAL_LM", "SEQ_TO_SEQ_CAUSAL_LM")


def extract(files: Files) -> Row:
    """The kinds `model_types`, `architectures.default`, `quantization.default`, `checks`. Raises LayoutError."""
    return {
        "model_types": _model_types(files),
        "architectures.default": _architectures(files),
        "quantization.default": _quantizers(files),
        "checks": _checks(files),
    }


def _model_types(files: Files) -> dict[str, Any]:
    """Model type -> its configuration class."""
    imported = constants(files.tree(MAPPINGS)) if files.has(MAPPINGS) else {}
    found = constants(files.tree(CONFIGURATION), imported).get("CONFIG_MAPPING_NAMES")
    if not isinstance(found, dict) or len(found) < 50:
        raise files.lacks(CONFIGURATION, "CONFIG_MAPPING_NAMES")
    return {t: c for t, c in found.items() if isinstance(c, str)}


def _architectures(files: Files) -> dict[str, Any]:
    """Class -> model type, of every class that generates text."""
    known = constants(files.tree(MODELING))
    out: dict[str, Any] = {}
    for name in GENERATING:
        table = known.get(f"MODEL_FOR_{name}_MAPPING_NAMES")
        for model_type, classes in (table.items() if isinstance(table, dict) else ()):
            for found in classes if isinstance(classes, list) else [classes]:
                if isinstance(found, str):
                    out.setdefault(found, model_type)
    if len(out) < 20:
        raise files.lacks(MODELING, "the tables of model classes")
    return out


def _quantizers(files: Files) -> dict[str, Any]:
    """The methods that `quantization_config` may name: a table since 4.38.0, before that an enumeration."""
    if files.has(QUANTIZERS):
        for node in ast.walk(files.tree(QUANTIZERS)):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "AUTO_QUANTIZER_MAPPING":
                keys = zip(node.value.keys, node.value.values, strict=True) if isinstance(node.value, ast.Dict) else ()
                needs = _needs(files)
                return {str(k.value): needs.get(ast.unparse(v), {}) for k, v in keys if isinstance(k, ast.Constant)}
        raise files.lacks(QUANTIZERS, "AUTO_QUANTIZER_MAPPING")
    for node in files.tree(QUANTIZATION).body:
        if isinstance(node, ast.ClassDef) and node.name == "QuantizationMethod":
            return {str(v): {} for v in constants(ast.Module(node.body, [])).values() if isinstance(v, str)}
    if any(isinstance(n, ast.ClassDef) and n.name == "BitsAndBytesConfig" for n in files.tree(QUANTIZATION).body):
        return {"bitsandbytes": {}}
    raise files.lacks(QUANTIZATION, "the quantization methods")


def _needs(files: Files) -> dict[str, Any]:
    """Quantiser class -> `{"lacking": [TEST, ...]}`: the tests on which `validate_environment` raises ImportError."""
    out: dict[str, Any] = {}
    for member in files.below(QUANTIZERS.rpartition("/")[0]):
        if "validate_environment" not in files.text(member):
            continue
        known = constants(files.tree(member))
        for node in (n for n in files.tree(member).body if isinstance(n, ast.ClassDef)):
            found = functions(ast.Module(node.body, [])).get("validate_environment")
            tests = [n.test for n in ast.walk(found) if isinstance(n, ast.If) and _import_error(n)] if found else []
            if tests:
                out[node.name] = {"lacking": [_valued(expression(t), known) for t in tests]}
    return out


def _valued(test: Any, known: dict[str, Any]) -> Any:
    """The test with the module's own constants in place of their names."""
    if isinstance(test, list) and len(test) == 2 and test[0] == "name" and isinstance(known.get(test[1]), (str, int)):
        return ["c", known[test[1]]]
    return [_valued(part, known) for part in test] if isinstance(test, list) else test


def _import_error(node: ast.If) -> bool:
    return any(isinstance(n, ast.Raise) and n.exc and "ImportError" in ast.unparse(n.exc) for n in node.body)


def _checks(files: Files) -> dict[str, Any]:
    """Package -> requirement that importing transformers enforces; `minimums` hold later ones (`ACCELERATE`)."""
    table = constants(files.tree(TABLE)).get("deps")
    wanted = constants(files.tree(GATES)).get("pkgs_to_check_at_runtime")
    if not isinstance(table, dict) or not isinstance(wanted, list):
        raise files.lacks(GATES, "pkgs_to_check_at_runtime and its table")
    out: dict[str, Any] = {p: {"requirement": table[p], "eager": True} for p in wanted if isinstance(table.get(p), str)}
    for name, found in constants(files.tree(AVAILABILITY)).items():
        subject, _, kind = name.rpartition("_VERSION")[0].rpartition("_")
        if isinstance(found, str) and kind in ("MIN", "MAX") and subject:
            out.setdefault(subject.lower().replace("_", "-"), {})[kind.lower()] = found
    return out
