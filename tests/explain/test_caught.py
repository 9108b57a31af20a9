"""An exception that the program caught and only tells of is not what ended it."""

from __future__ import annotations

import pytest

from tests.explain.conftest import Explain

DIED = """\
Traceback (most recent call last):
  File "/opt/env/bin/vllm", line 10, in <module>
    sys.exit(main())
  File "/opt/env/lib/python3.11/site-packages/vllm/config/device.py", line 55, in __post_init__
    raise RuntimeError(
RuntimeError: Failed to infer device type, please set the environment variable `VLLM_LOGGING_LEVEL=DEBUG`
"""
CAUGHT = (
    "Failed to import from vllm._C: ModuleNotFoundError(\"No module named 'vllm._C'\")",
    "optional kernels are off: ImportError('libcudart.so.12: cannot open shared object file: No such file or directory')",
    "flash_attn cannot be used (ImportError(\"cannot import name 'flash_attn_func' from 'flash_attn'\"))",
)


@pytest.mark.parametrize("line", CAUGHT)
def test_what_was_caught_is_not_the_cause(explain: Explain, line: str) -> None:
    assert explain(f"{line}\n{DIED}")[0].rule == "RUN311"


def test_an_error_that_is_logged_as_one_is(explain: Explain) -> None:
    line = (
        "ERROR 11-05 14:20:16 [core.py:515] EngineCore failed: ModuleNotFoundError(\"No module named 'qwen_vl_utils'\")"
    )
    assert explain(f"{line}\n")[0].rule == "RUN110"
