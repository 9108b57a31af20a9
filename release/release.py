"""`python -m release.release`: checks that a release can be made, and builds it; nothing is tagged or uploaded.

It refuses where CHANGELOG.md has no dated section for the version, where the work tree has changes, where `.ci/run` has
not passed on this very commit, and where the version has a tag already.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from release.recipes import CONDA, ROOT, conda_recipe, version

PASSED = Path(".ci", "passed")  # `.ci/run` writes the commit here


def problems(root: Path = ROOT) -> Iterator[str]:
    """What stands in the way of a release, one sentence each."""
    number = version()
    yield from _changelog((root / "CHANGELOG.md").read_text(encoding="utf-8"), number)
    if changed := _git(root, "status", "--porcelain"):
        yield f"the work tree has changes: {', '.join(line[3:] for line in changed.splitlines()[:5])}"
    commit, passed = _git(root, "rev-parse", "HEAD"), root / PASSED
    if not passed.is_file() or passed.read_text(encoding="utf-8").strip() != commit:
        yield "the tests have not passed on this commit: run `.ci/run` first"
    if _git(root, "tag", "--list", f"v{number}"):
        yield f"v{number} is released already: raise `__version__` in doctor/__init__.py"
    if CONDA.read_text(encoding="utf-8") != conda_recipe():
        yield "release/conda/recipe.yaml is old: run `python -m release.recipes --conda`"


def _changelog(text: str, number: str) -> Iterator[str]:
    """The first section has to be the version's, with a date and something in it."""
    first = re.search(r"^## (?P<title>.+)\n(?P<body>(?:(?!## ).*\n?)*)", text, re.M)
    title = first["title"].strip() if first else ""
    dated = re.fullmatch(rf"{re.escape(number)} \((?P<day>\d{{4}}-\d{{2}}-\d{{2}})\)", title)
    if dated is None:
        yield f"CHANGELOG.md does not begin with `## {number} (YYYY-MM-DD)` but with `## {title}`"
        return
    try:
        datetime.date.fromisoformat(dated["day"])
    except ValueError:
        yield f"CHANGELOG.md: {dated['day']} is not a date"
    if first is not None and not first["body"].strip():
        yield f"CHANGELOG.md says nothing about {number}"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip("\n")


def build(out: Path) -> None:
    """The wheel and the sdist, checked as an index would."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)], check=True)
    made = [str(path) for path in out.glob(f"qvl_doctor-{version()}*")]
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *made], check=True)


def main() -> None:
    """Ends with 1 and every reason where no release can be made."""
    if found := [*problems()]:
        sys.exit("\n".join(f"error: {text}" for text in found))
    out = ROOT / "dist"
    build(out)
    tag = f"v{version()}"
    print(f"built in {out}; to publish it:\n  git tag -a {tag} -m {tag}\n  twine upload dist/qvl_doctor-{version()}*")


if __name__ == "__main__":
    main()
