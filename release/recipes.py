"""Recipes for other installers: a Homebrew formula whose resources and hashes come from a lock, and a conda recipe.

`python -m release.recipes --conda` rewrites release/conda/recipe.yaml from pyproject.toml, and
`python -m release.recipes --sdist FILE --out FOLDER` writes the formula for a built sdist: uv resolves the resources,
with the addresses of the index that it uses.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.addresses import addresses, tomllib

ROOT = Path(__file__).parents[1]
CONDA = ROOT / "release" / "conda" / "recipe.yaml"
BREW_PYTHON = "3.13"
# conda-forge keeps some names as their projects write them
CONDA_NAMES = {"huggingface-hub": "huggingface_hub"}


def project() -> dict[str, Any]:
    """The table `[project]` of pyproject.toml."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: dict[str, Any] = tomllib.load(file)["project"]
    return found


def version() -> str:
    """The version, as the package states it."""
    text = (ROOT / "doctor" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.M)
    if found is None:
        raise ValueError("doctor/__init__.py states no version")
    return found[1]


def conda_recipe() -> str:
    """The recipe in the form of rattler-build and conda-forge, which builds this checkout."""
    about, needs = project(), [Requirement(text) for text in project()["dependencies"]]
    run = [f"python {about['requires-python']}", *sorted(_conda_need(need) for need in needs)]
    recipe = {
        "schema_version": 1, "context": {"version": version()},
        "package": {"name": about["name"], "version": "${{ version }}"}, "source": {"path": "../.."},
        "build": {"noarch": "python", "script": "python -m pip install . -vv --no-deps --no-build-isolation"},
        "requirements": {"host": [run[0], "pip", "hatchling >=1.23", "tomli"], "run": run},
        "tests": [{"script": ["qvl-doctor --version", "qvl-doctor rules"]}],
        "about": {"summary": about["description"], "license": about["license"], "license_file": about["license-files"]},
    }  # fmt: skip
    lead = "# Written by `python -m release.recipes --conda`; build it with `rattler-build build -r release/conda`.\n"
    return lead + yaml.safe_dump(recipe, sort_keys=False, width=120, allow_unicode=True)


def _conda_need(need: Requirement) -> str:
    """A requirement in conda's words; a marker is left out, as one package serves every Python."""
    name = canonicalize_name(need.name)
    return f"{CONDA_NAMES.get(name, name)} {need.specifier}".strip()


def formula(lock: Mapping[str, Any], address: str, digest: str) -> str:
    """The Homebrew formula. `lock` is a pylock.toml, `address` and `digest` (sha256, hex) are those of our sdist."""
    known = addresses()
    home = known.get("documentation") or known.get("repository") or address
    # uv and hf-xet are built from source, like everything else in Homebrew
    needs = ['depends_on "rust" => :build', 'depends_on "libyaml"', f'depends_on "python@{BREW_PYTHON}"']
    lines = [
        "class QvlDoctor < Formula", "  include Language::Python::Virtualenv", "",
        f"  desc {_ruby(project()['description'].partition('.')[0])}", f"  homepage {_ruby(home)}",
        f"  url {_ruby(address)}", f"  sha256 {_ruby(digest)}", f"  license {_ruby(project()['license'])}", "",
        *(f"  {line}" for line in needs), "", *_resources(lock["packages"]),
        "  def install", "    virtualenv_install_with_resources",
        '    generate_completions_from_executable(bin/"qvl-doctor", "completion")',
        '    (man1/"qvl-doctor.1").write Utils.safe_popen_read(bin/"qvl-doctor", "man")', "  end", "",
        "  test do", '    assert_match version.to_s, shell_output("#{bin}/qvl-doctor --version")',
        '    assert_match "IMP001", shell_output("#{bin}/qvl-doctor rules")', "  end", "end",
    ]  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def _resources(packages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A block for each package of the lock. Raises ValueError for one that Homebrew cannot install."""
    for package in sorted(packages, key=lambda p: str(p["name"])):
        wheels = [w for w in package.get("wheels", ()) if w["url"].endswith("-none-any.whl")]
        source = package.get("sdist") or next(iter(wheels), None)
        if source is None:
            raise ValueError(f"{package['name']} has neither an sdist nor a wheel for every Python")
        yield from (
            f"  resource {_ruby(package['name'])} do", f"    url {_ruby(source['url'])}",
            f"    sha256 {_ruby(source['hashes']['sha256'])}", "  end", "",
        )  # fmt: skip


def _ruby(text: str) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("#", "\\#") + '"'


def locked() -> dict[str, Any]:
    """What uv resolves for Homebrew's Python: a pylock.toml with the sdists' addresses and hashes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pylock.toml"
        words = ["pip", "compile", "-q", "--format", "pylock.toml", "--python-version", BREW_PYTHON, "-o", str(out)]
        subprocess.run([sys.executable, "-m", "uv", *words, str(ROOT / "pyproject.toml")], check=True, cwd=folder)
        return tomllib.loads(out.read_text(encoding="utf-8"))


def main() -> None:
    """Writes what the options ask for."""
    asked = argparse.ArgumentParser(description="Writes recipes for conda and Homebrew.")
    asked.add_argument("--conda", action="store_true", help="rewrite release/conda/recipe.yaml")
    asked.add_argument("--sdist", type=Path, help="the built sdist, for the formula")
    asked.add_argument("--out", type=Path, default=Path("dist"), help="where the formula goes")
    given = asked.parse_args()
    if given.conda:
        CONDA.write_text(conda_recipe(), encoding="utf-8")
    if given.sdist is not None:
        home = addresses().get("repository")
        if home is None:
            asked.error("release/addresses.toml has no repository, so a formula has nowhere to fetch from")
        address = f"{home}/releases/download/v{version()}/{given.sdist.name}"
        digest = hashlib.sha256(given.sdist.read_bytes()).hexdigest()
        (given.out / "qvl-doctor.rb").write_text(formula(locked(), address, digest), encoding="utf-8")


if __name__ == "__main__":
    main()
