"""A model's own code against an environment: our verdict, and what Python itself says on the same files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.model.files import owl

ROOT = Path(__file__).parents[2]
NAMES = "class PreTrainedModel: pass\nclass PretrainedConfig: pass\nclass PreTrainedTokenizer: pass\n"
STREAM = "from transformers import BeamSearchScorer\nclass Generator: pass\n"
PACKAGES = {
    "transformers": ("4.46.1", NAMES + "class BeamSearchScorer: pass\n"), "lmdeploy": ("0.11.1", ""), "torch": ("2.4.0", ""),
    "requests": ("2.31.0", "def get(*a): pass\n"), "einops": ("0.8.0", ""), "tiktoken": ("0.7.0", ""),
    "owl_stream": ("1.0", STREAM), "PIL": ("10.0", ""),
}  # fmt: skip


def environment(folder: Path, packages: dict[str, tuple[str, str]]) -> Path:
    """A folder as pip leaves it, with one-file packages."""
    for name, (version, text) in packages.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(text)
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "top_level.txt").write_text(f"{name}\n")
        (info / "RECORD").write_text(f"{name}/__init__.py,,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n")
    if "PIL" in packages:
        (folder / "PIL" / "Image.py").write_text("")
    (folder / "lmdeploy" / "cli").mkdir(parents=True, exist_ok=True)
    return folder


def check(site: Path, model: Path, cache: Path, *words: str) -> dict[str, Any]:
    version = "{}.{}".format(*sys.version_info[:2])
    done = subprocess.run(
        [sys.executable, "-m", "doctor", "check", "--path", str(site), "--python-version", version, "--format", "json",
         "--offline", "--", "lmdeploy", "serve", "api_server", str(model), *words],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache)},
    )  # fmt: skip
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert not [r for r in report["results"] if r["status"] == "broken"], report["results"]
    return report


def imports(site: Path, model: Path, module: str) -> str:
    """What Python says: empty, or its exception."""
    code = "import sys; sys.path[:] = sys.argv[1:3] + [p for p in sys.path if 'site-packages' not in p]; "
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{code}import {model.name}.{module}", str(site), str(model.parent)],
        capture_output=True, text=True, timeout=60, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def found(report: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [f for f in report["findings"] if f["code"] == code]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return owl(tmp_path / "owl", architectures=["QWenLMHeadModel"], model_type="qwen")


def test_an_environment_that_has_everything(tmp_path: Path, model: Path) -> None:
    site = environment(tmp_path / "site", PACKAGES)
    assert not imports(site, model, "modeling_owl")
    report = check(site, model, tmp_path)
    assert not found(report, "MDL006") and not [f for f in report["findings"] if "owl" in f["message"] and f["severity"] == "error"]
    assert {r["code"]: r["status"] for r in report["results"]}["MDL006"] == "pass"


def test_packages_that_are_missing_are_named_at_once(tmp_path: Path, model: Path) -> None:
    site = environment(tmp_path / "site", {k: v for k, v in PACKAGES.items() if k not in ("einops", "tiktoken", "owl_stream")})
    assert "einops" in imports(site, model, "modeling_owl")
    finding = found(check(site, model, tmp_path), "MDL006")[0]
    assert finding["severity"] == "error" and all(f"`{n}`" in finding["message"] for n in ("einops", "tiktoken", "owl_stream"))
    assert "flash_attn" not in finding["message"]
    packages = {a["package"] for r in finding["remediations"] for a in r["actions"]}
    assert packages == {"owl-stream", "einops", "tiktoken"}
    assert not found(check(site, model, tmp_path), "IMP002"), "one finding is enough"


def test_a_name_that_transformers_lost(tmp_path: Path, model: Path) -> None:
    packages = {**PACKAGES, "transformers": ("4.57.3", NAMES)}
    site = environment(tmp_path / "site", packages)
    assert "BeamSearchScorer" in imports(site, model, "modeling_owl")
    findings = [f for f in found(check(site, model, tmp_path), "IMP001") if "BeamSearchScorer" in f["message"]]
    assert [f["severity"] for f in findings] == ["error"] and findings[0]["primary"]
    assert findings[0]["location"]["path"] == "modeling_owl.py" and findings[0]["location"]["line"] == 5
    assert "<=4.56.2" in json.dumps(findings[0]["remediations"])


def test_a_package_behind_it_that_lost_its_name(tmp_path: Path, model: Path) -> None:
    """transformers imports what a function of the code imports, too: the story of Qwen-VL-Chat."""
    code = (model / "modeling_owl.py").read_text().replace(", BeamSearchScorer", "")
    (model / "modeling_owl.py").write_text(code)
    site = environment(tmp_path / "site", {**PACKAGES, "transformers": ("4.57.3", NAMES)})
    assert not imports(site, model, "modeling_owl"), "Python itself would not notice"
    findings = [f for f in found(check(site, model, tmp_path), "IMP001") if "BeamSearchScorer" in f["message"]]
    assert [f["severity"] for f in findings] == ["error"]
    assert "`modeling_owl.py`, the model's own code, cannot be loaded" in findings[0]["message"]
    assert not [f for f in found(check(environment(tmp_path / "good", PACKAGES), model, tmp_path), "IMP001") if "owl" in f["message"]]


def test_a_corrected_file_is_seen_at_once(tmp_path: Path, model: Path) -> None:
    site = environment(tmp_path / "site", {**PACKAGES, "transformers": ("4.57.3", NAMES)})
    assert found(check(site, model, tmp_path), "IMP001")
    for name in ("modeling_owl.py", "eyes_owl.py"):
        (model / name).write_text("from .configuration_owl import OwlConfig\n\n\nclass OwlModel:\n    pass\n")
    assert not imports(site, model, "modeling_owl")
    assert not found(check(site, model, tmp_path), "IMP001")


def test_a_folder_that_shadows_nothing(tmp_path: Path, model: Path) -> None:
    """Files of the model are no modules of the environment: `torch.py` beside the weights stands for nothing."""
    (model / "requests.py").write_text("import nothing_such\n")
    (model / "einops").mkdir()
    site = environment(tmp_path / "site", PACKAGES)
    assert not imports(site, model, "modeling_owl")
    assert not [f for f in check(site, model, tmp_path)["findings"] if "nothing_such" in json.dumps(f)]


def test_a_name_that_a_file_beside_it_lacks(tmp_path: Path, model: Path) -> None:
    (model / "eyes_owl.py").write_text("import einops\n")
    site = environment(tmp_path / "site", PACKAGES)
    assert "Eyes" in imports(site, model, "modeling_owl")
    finding = next(f for f in found(check(site, model, tmp_path), "IMP001") if "`Eyes`" in f["message"])
    assert finding["severity"] == "error" and finding["location"]["path"] == "modeling_owl.py"


def test_a_missing_package_that_needs_an_older_transformers_says_so(tmp_path: Path, model: Path) -> None:
    """Installing it alone would lead to the next error: it imports what transformers dropped after 4.56.2."""
    code = (model / "modeling_owl.py").read_text().replace(", BeamSearchScorer", "").replace("owl_stream", "transformers_stream_generator")
    (model / "modeling_owl.py").write_text(code)
    for version, wanted in (("4.57.3", ["transformers-stream-generator", "transformers"]), ("4.46.1", ["transformers-stream-generator"])):
        site = environment(tmp_path / version, {**PACKAGES, "transformers": (version, NAMES)})
        finding = found(check(site, model, tmp_path), "MDL006")[0]
        actions = finding["remediations"][0]["actions"]
        assert [a["package"] for a in actions] == wanted
        assert actions[-1].get("specifier") in (None, ">=4.42.0,!=4.52.*,<=4.56.2")


RUNAWAYS = {
    "calls": "def f(n):\n    return f(n) + f(n)\nf(1)\n",
    "missing-first": "from transformers import NoSuchName\ndef f(n):\n    return f(n) + f(n)\nf(1)\n",
    "power": "A = 10 ** 10 ** 9\n",
    "loop": "while True:\n    pass\n",
    "memory": "A = 'a' * 1000\n" + "A = A + A\n" * 60,
    "three": "A = [(a, b, c) for a in range(3000) for b in range(3000) for c in range(3000)]\n",
}


@pytest.mark.parametrize("name", RUNAWAYS)
def test_code_that_would_never_end_takes_little_time(tmp_path: Path, model: Path, name: str) -> None:
    for file in ("modeling_owl.py", "eyes_owl.py", "configuration_owl.py"):
        (model / file).write_text(RUNAWAYS[name])
    site = environment(tmp_path / "site", PACKAGES)
    began = time.monotonic()
    check(site, model, tmp_path)
    assert time.monotonic() - began < 15
