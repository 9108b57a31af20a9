"""What the data of the releases answers: names, modules, architectures, model types, quantization methods."""

from __future__ import annotations

import pytest
from conftest import Explain

from doctor.matrix import rows
from doctor.matrix.providers import releases_with
from doctor.matrix.windows import Window, window_of


def test_a_name_and_its_window(explain: Explain) -> None:
    log = (
        "transformers==4.37.2\nTraceback (most recent call last):\n"
        '  File "/v/lib/python3.10/site-packages/vllm/a.py", line 1, in <module>\n    from transformers import X\n'
        "ImportError: cannot import name 'Qwen2VLForConditionalGeneration' from 'transformers' (/v/x.py)\n"
    )
    first = explain(log)[0]
    having = releases_with("transformers", "transformers", "Qwen2VLForConditionalGeneration")
    assert having is not None
    action = first.remediations[0].actions[0]
    assert (action.package, action.direction, action.specifier) == ("transformers", "upgrade", having.spec())
    assert first.remediations[0].title == Window("transformers", "4.37.2", having).remediation().title


@pytest.mark.parametrize(
    ("version", "direction"), [("4.30.0", "upgrade"), ("4.45.2", None), ("99", "downgrade"), (None, "downgrade"),
                               ("not a version", "downgrade")],
)  # fmt: skip
def test_the_direction(version: str | None, direction: str | None) -> None:
    """A name that came and went: below it, inside, above, and unknown."""
    found = window_of("transformers", version, releases_with("transformers", "transformers", "HybridCache"))
    assert found is not None and found.having.oldest == "4.44.0" and found.direction == direction


def test_without_a_release_that_has_it_there_is_no_window() -> None:
    assert window_of("transformers", "4.45.0", releases_with("transformers", "transformers", "NoSuchNameAtAll")) is None
    assert window_of("nobody-indexes-this", "1", releases_with("nobody-indexes-this", "x")) is None


@pytest.mark.parametrize("arch", ["Qwen3VLForConditionalGeneration", "Gemma3ForConditionalGeneration"])
def test_an_architecture_comes_from_the_wheels(explain: Explain, arch: str) -> None:
    log = (
        "vllm==0.6.0\n"
        '  File "/v/lib/python3.10/site-packages/vllm/x.py", line 1, in f\n'
        f"ValueError: Model architectures ['{arch}'] are not supported for now. Supported architectures: ['A']\n"
    )
    having = rows.releases_having("vllm", "architectures.default", arch)
    action = explain(log)[0].remediations[0].actions[0]
    assert having is not None
    assert (action.package, action.direction, action.specifier) == ("vllm", "upgrade", having.spec())


def test_a_model_type_comes_from_the_wheels(explain: Explain) -> None:
    log = (
        "transformers==4.44.0\nValueError: The checkpoint you are trying to load has model type `qwen3_vl` but "
        "Transformers does not recognize this architecture.\n"
    )
    having = rows.releases_having("transformers", "model_types", "qwen3_vl")
    action = explain(log)[0].remediations[0].actions[0]
    assert having is not None and action.specifier == having.spec() and action.direction == "upgrade"


def test_a_module_that_went(explain: Explain) -> None:
    log = (
        "vllm==0.12.0\nTraceback (most recent call last):\n"
        '  File "/v/lib/python3.10/site-packages/plugin/a.py", line 1, in <module>\n    import vllm.worker.worker\n'
        "ModuleNotFoundError: No module named 'vllm.worker.worker'\n"
    )
    having = releases_with("vllm", "vllm.worker.worker")
    action = explain(log)[0].remediations[0].actions[0]
    assert having is not None and (action.direction, action.specifier) == ("downgrade", having.spec())
