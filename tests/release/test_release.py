"""Packages, recipes and the release script: what they contain, and what they refuse."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from doctor import __version__
from release import addresses, recipes, release

ROOT = Path(__file__).parents[2]
LOCK = {"packages": [
    {"name": "zeta", "sdist": {"url": "https://h.example/z-1.tar.gz", "hashes": {"sha256": "aa"}}},
    {"name": "alpha", "wheels": [{"url": "https://h.example/a-1-cp313-x.whl", "hashes": {"sha256": "bb"}},
                                 {"url": "https://h.example/a-1-py3-none-any.whl", "hashes": {"sha256": "cc"}}]},
]}  # fmt: skip


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository that can be released."""
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## {__version__} (2026-12-01)\n\n- Something.\n")
    (tmp_path / ".gitignore").write_text(".ci/passed\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "all")
    (tmp_path / ".ci").mkdir()
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    (tmp_path / ".ci/passed").write_text(commit)
    return tmp_path


def test_nothing_stands_in_the_way(checkout: Path) -> None:
    assert [*release.problems(checkout)] == []


@pytest.mark.parametrize(("text", "said"), [
    (f"## {__version__} (unreleased)\n\n- x\n", "does not begin with"), ("## 99.0 (2026-12-01)\n\n- x\n", "does not begin with"),
    ("", "does not begin with"), (f"## {__version__} (2026-13-01)\n\n- x\n", "is not a date"),
    (f"## {__version__} (2026-12-01)\n\n## 0.0.1 (2025-01-01)\n\n- x\n", "says nothing about"),
])  # fmt: skip
def test_a_changelog_without_the_version_stops_it(checkout: Path, text: str, said: str) -> None:
    (checkout / "CHANGELOG.md").write_text(f"# Changelog\n\n{text}")
    assert any(said in problem for problem in release.problems(checkout))


def test_changes_missing_tests_and_an_old_tag_stop_it(checkout: Path) -> None:
    (checkout / "new.py").touch()
    assert list(release.problems(checkout)) == ["the work tree has changes: new.py"]
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "more")
    assert ["run `.ci/run` first" in p for p in release.problems(checkout)] == [True]
    git(checkout, "tag", f"v{__version__}")
    assert any("is released already" in p for p in release.problems(checkout))


def test_ci_writes_down_what_passed() -> None:
    assert ".ci/passed" in (ROOT / ".ci/run").read_text() and ".ci/passed" in (ROOT / ".gitignore").read_text().split()
    assert str(release.PASSED) == ".ci/passed"


def test_the_conda_recipe_is_that_of_the_project() -> None:
    text = recipes.CONDA.read_text(encoding="utf-8")
    assert text == recipes.conda_recipe() and "huggingface_hub >=" in text and __version__ in text


def test_the_formula_has_every_resource_with_its_hash() -> None:
    text = recipes.formula(LOCK, "https://h.example/q.tar.gz", "dd")
    found = re.findall(r'resource "(\w+)" do\n    url "([^"]+)"\n    sha256 "(\w+)"', text)
    assert found == [("alpha", "https://h.example/a-1-py3-none-any.whl", "cc"), ("zeta", "https://h.example/z-1.tar.gz", "aa")]
    if (ruby := shutil.which("ruby")) is not None:
        assert subprocess.run([ruby, "-c"], input=text, text=True, capture_output=True, check=False).returncode == 0
    with pytest.raises(ValueError, match="beta"):
        recipes.formula({"packages": [{"name": "beta"}]}, "https://h.example/q.tar.gz", "dd")


def test_addresses_of_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPOSITORY", "DOCUMENTATION"):
        monkeypatch.delenv(f"QVL_DOCTOR_{name}", raising=False)
    (tmp_path / "addresses.toml").write_text('repository = "https://h.example/o/q/"\ndocumentation = ""\n')
    assert addresses.urls(addresses.addresses(tmp_path)) == {"Homepage": "https://h.example/o/q", "Repository": "https://h.example/o/q"}
    monkeypatch.setenv("QVL_DOCTOR_DOCUMENTATION", "https://d.example")
    assert addresses.urls(addresses.addresses(tmp_path))["Documentation"] == "https://d.example"
    monkeypatch.setenv("QVL_DOCTOR_DOCUMENTATION", "not an address")
    with pytest.raises(ValueError, match="documentation"):
        addresses.addresses(tmp_path)


def docker_context(to: Path) -> Path:
    """What `docker build .` sends: the files that .dockerignore admits."""
    rules = (ROOT / ".dockerignore").read_text().split()
    assert rules[0] == "*"
    for name in (rule[1:] for rule in rules if rule.startswith("!")):
        source, ignored = ROOT / name, shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, to / name, ignore=ignored) if source.is_dir() else shutil.copy(source, to / name)
    return to


def test_the_image_is_not_root_and_has_what_the_build_needs() -> None:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    last = lines[max(n for n, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert any(re.fullmatch(r"USER \d{4,}", line) for line in last) and 'ENTRYPOINT ["qvl-doctor"]' in last
    assert last.index(next(line for line in last if line.startswith("USER"))) > last.index(next(line for line in last if line.startswith("RUN")))
    admitted = [rule[1:] for rule in (ROOT / ".dockerignore").read_text().split() if rule.startswith("!")]
    needed = ["doctor", "launcher", "matrices", "release", "pyproject.toml", "README.md", "LICENSE"]
    assert all(any(fnmatch.fnmatch(name, rule) for rule in admitted) for name in needed)


@pytest.mark.registry
def test_the_words_of_the_readme_install_it_on_a_fresh_machine(tmp_path: Path) -> None:
    """README's own lines, from the files that an image is built of, in an empty home; then the command that they leave."""
    home, source = tmp_path / "home", docker_context(tmp_path)
    home.mkdir()
    install, link = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[:2]
    kept = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    after = "cd\ncommand -v qvl-doctor\nqvl-doctor --version\nqvl-doctor check -- vllm serve m || echo status $?"
    script = f"{install}\n{link}\necho ready\n{after}"
    path = os.pathsep.join(dict.fromkeys([*os.defpath.split(os.pathsep), "/usr/local/bin", "/usr/bin", "/bin"]))
    done = subprocess.run(["bash", "-c", script], cwd=source, env={"HOME": str(home), "PATH": path, **kept}, text=True,
                          capture_output=True, check=False, timeout=300)  # fmt: skip
    if "No matching distribution" in done.stderr or "ensurepip is not available" in done.stderr:
        pytest.skip("no package index, or a Python without venv")
    assert done.returncode == 0, done.stderr
    checked, _, linked = done.stdout.partition("ready\n")
    assert "(python3 on PATH)" in checked, done.stderr
    assert linked.startswith(f"{home}/.local/bin/qvl-doctor\nqvl-doctor, version {__version__}\n")
    assert "PKG010" in done.stdout and "status 1" in done.stdout and "(python3 on PATH)" in done.stdout
    assert str(home / ".qvl-doctor") not in done.stdout  # never its own environment
