"""Reading the files of a gateway and a scraper: what they say, bounds, and no secret kept."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from doctor.collect.declared.gateway import read_gateway
from doctor.facts import Gateway, Unavailable

LITELLM = """
model_list:
  - model_name: qwen
    litellm_params:
      model: hosted_vllm/Qwen/Qwen2-VL-7B-Instruct
      api_base: http://user:hunter2@vllm:8000/v1
      api_key: sk-abcdefghijklmnopqrstuvwx
  - model_name: gpt
    litellm_params: {model: gpt-4o, api_key: none}
  - model_name: broken
    litellm_params: 7
general_settings: {master_key: sk-1234567890abcdefghij}
"""


def read(tmp_path: Path, text: str | bytes) -> Gateway | Unavailable:
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_gateway(str(path))


def test_entries_of_litellm(tmp_path: Path) -> None:
    found = read(tmp_path, LITELLM)
    assert isinstance(found, Gateway) and found.kind == "litellm"
    first, second = found.models
    assert (first.name, first.provider, first.model) == ("qwen", "hosted_vllm", "Qwen/Qwen2-VL-7B-Instruct")
    assert (first.api_base, first.key, first.line) == ("http://vllm:8000/v1", True, 3)
    assert (second.provider, second.model, second.api_base, second.key) == (None, "gpt-4o", None, False)


def test_no_secret_is_kept(tmp_path: Path) -> None:
    shown = repr(read(tmp_path, LITELLM))
    assert "hunter2" not in shown and "sk-" not in shown


def test_targets_of_prometheus(tmp_path: Path) -> None:
    found = read(tmp_path, "scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ['vllm:8000', 'b:1']\n"
                           "- job_name: b\n  metrics_path: /m\n  static_configs: [{targets: [c:2]}]\n")  # fmt: skip
    assert isinstance(found, Gateway) and found.kind == "prometheus"
    assert [(s.target, s.path, s.line) for s in found.scrapes] == [
        ("vllm:8000", "/metrics", 4), ("b:1", "/metrics", 4), ("c:2", "/m", 7),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "a: 1", "- 1", "model_list: [", b"\0\xff\xfe", "!!python/object/apply:os.system ['touch owned']", "[" * 20_000,
     "x: " + "y" * 300_000],
)  # fmt: skip
def test_what_is_no_such_file_has_a_reason(tmp_path: Path, text: str | bytes) -> None:
    start = time.process_time()
    found = read(tmp_path, text)
    assert isinstance(found, Unavailable) and found.detail and time.process_time() - start < 5
    assert not list(tmp_path.glob("owned"))


def test_aliases_do_not_multiply(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30))]
    found = read(tmp_path, "\n".join([*lines, "model_list: [{litellm_params: {model: openai/x}}, *a29]"]))
    assert isinstance(found, Gateway) and len(found.models) == 1


def test_a_missing_file_is_a_reason(tmp_path: Path) -> None:
    found = read_gateway(str(tmp_path / "none.yaml"))
    assert isinstance(found, Unavailable)


def test_terminal_escapes_do_not_pass(tmp_path: Path) -> None:
    found = read(tmp_path, 'model_list: [{model_name: "\\e[31mred", litellm_params: {model: "openai/\\ex"}}]')
    assert isinstance(found, Gateway) and "\x1b" not in repr(found.models[0].name) + found.models[0].model
