"""Every way out is true to the log: no empty names, no placeholders, no package that nobody is known to publish."""

from __future__ import annotations

import random
import re

import pytest

from doctor.explain.catalog import stubs
from doctor.explain.gate import holds, is_published
from doctor.findings import Finding
from tests.explain.test_mutations import EXAMPLES, damaged

FRAME = 'Traceback (most recent call last):\n  File "{}", line 3, in f\n    go()\n'
FILES = ("/e/lib/python3.10/site-packages/transformers/models/auto/a.py", "/srv/app/tools/a.py",
         "/e/lib/python3.10/site-packages/vllm/model_executor/models/a.py")  # fmt: skip


def faults(found: tuple[Finding, ...]) -> list[str]:
    """What is wrong with the ways out and the words of an answer."""
    ways = [f"{f.rule}: {r.title}" for f in found for r in f.remediations if not holds(r)]
    known = [f.message for f in found if f.rule > "RUN100"]
    return ways + [m for m in known if re.search(r"\{[a-z_]+\}|``|`the (?:package|program)`", m)]


@pytest.mark.parametrize("stub", stubs(), ids=lambda s: s.code)
def test_catalogue_gives_only_sound_ways_out(explain, stub) -> None:
    for frame in ("", *(FRAME.format(f) for f in FILES)):
        assert not faults(explain(frame + stub.load().example + "\n"))


def test_mutated_logs_give_only_sound_ways_out(explain) -> None:
    dice = random.Random(11)
    for _ in range(500):
        error = damaged(dice.choice(EXAMPLES), dice).replace("{", "").replace("`", "")
        assert not faults(explain(FRAME.format(dice.choice(FILES)) + error + "\n"))


@pytest.mark.parametrize(
    "name", ["", "the package", "same", "{package}", "upgrade to", "os", "no-such-dist-at-all-xyz"]
)
def test_no_such_package_is_advised(name: str) -> None:
    assert not is_published(name)


@pytest.mark.parametrize("name", ["vllm", "transformers", "qwen-vl-utils", "nvidia-cudnn-cu12", "timm", "flash-attn"])
def test_known_packages_are_advised(name: str) -> None:
    assert is_published(name)


@pytest.mark.parametrize(
    ("path", "module", "own"),
    [
        ("/srv/app/billing/models.py", "billing.models", True),
        ("/home/u/eval/helpers.py", "helpers", True),
        ("/e/lib/python3.10/site-packages/transformers/__init__.py", "transformers", False),
        ("/work/src/vllm/vllm/__init__.py", "vllm", False),
    ],
)
def test_a_file_of_the_users_own_is_no_matter_of_releases(explain, path: str, module: str, own: bool) -> None:
    log = FRAME.format("/srv/app/main.py") + f"ImportError: cannot import name 'Wombat' from '{module}' ({path})\n"
    found = explain(log)
    kinds = {a.kind for f in found for r in f.remediations for a in r.actions}
    assert ("install" not in kinds) is own
    assert ("file of your own" in found[0].message) is own


def test_a_file_that_hides_a_package_is_named(explain) -> None:
    log = FRAME.format("/srv/app/main.py") + "ImportError: cannot import name 'x' from 'numpy' (/srv/app/numpy.py)\n"
    assert "hides the installed package" in explain(log)[0].message


def test_a_module_nobody_provides_is_not_installed_by_its_name(explain) -> None:
    log = FRAME.format("/srv/app/main.py") + "ModuleNotFoundError: No module named 'wombat_tools'\n"
    found = explain(log)[0]
    assert "wombat_tools" in found.message and found.confidence != "high"
    assert all(a.kind == "manual" for r in found.remediations for a in r.actions)
