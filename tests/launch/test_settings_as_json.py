"""Settings that an option takes as JSON: what the release's class refuses is a problem of its key, and nothing else is."""

from __future__ import annotations

import shlex

import pytest

from doctor.launch.parser import read

VERSION = "0.33.0"  # what each line means there was seen with vLLM's own parser


def problems(line: str) -> list[tuple[str, str, str]]:
    """(kind, option, path) of each problem of `vllm serve m LINE`."""
    reading = read("vllm", VERSION, ("m", *shlex.split(line)), serve=True)
    assert reading is not None
    return [(p.kind, p.name, p.path) for p in reading.problems]


TAKEN = r"""
--compilation-config '{"cudagraph_mode": "PIECEWISE"}'
--compilation-config '{"cudagraph_mode": "piecewise"}'
--compilation-config '{"mode": 3, "cudagraph_capture_sizes": [1, 2, "4"]}'
--compilation-config '{"pass_config": {"fuse_norm_quant": null}}'
--compilation-config '{"max_cudagraph_capture_size": 8k}'
--compilation-config.pass_config.fuse_norm_quant true
--compilation-config.custom_ops+ none --compilation-config.custom_ops+=+rms_norm
-cc.mode=3
-O3
-O.cudagraph_mode=PIECEWISE
--structured-outputs-config.backend xgrammar
--structured-outputs-config '{"backend": "xgrammar", "disable_any_whitespace": true}'
--structured-outputs-config '{"reasoning_parser": "$(cat parser)"}'
--attention-config '{"backend": "auto"}'
--kv-transfer-config '{"kv_connector": "X", "kv_role": "kv_both", "kv_connector_extra_config": {"any": 1}}'
--kv-transfer-config None
--speculative-config '{"method": "ngram", "num-speculative-tokens": 3}'
--speculative-config '{"model": "a", "num_speculative_tokens": "3", "draft_load_config": {"load_format": "any"}}'
--speculative-config None
--lora-modules '{"name": "a", "path": "b"}' c=d
--quantization-config '{"linear": "mxfp8"}'
--kernel-config '{"moe_backend": "FlashInfer-TRTLLM"}'
--gpu-memory-utilization 1
"""
REFUSED = [
    ("""--compilation-config '{"cudagraph_mod": "PIECEWISE"}'""", "key", "cudagraph_mod"),
    ("""--compilation-config '{"cudagraph_mode": "PIECE"}'""", "member", "cudagraph_mode"),
    ("""--compilation-config '{"mode": 7}'""", "member", "mode"),
    ("""--speculative-config '{"methd": "ngram"}'""", "key", "methd"),  # by the class: the parser reads any JSON
    ("""--speculative-config '{"method": "ngrams"}'""", "member", "method"),
    ("""--speculative-config '{"num_speculative_tokens": 0}'""", "member", "num_speculative_tokens"),
    ("""--speculative-config '{"tensor_parallel_size": 2}'""", "together", "tensor_parallel_size"),
    ("""--compilation-config '{"pass_config": {"fuse_norm_quan": true}}'""", "key", "pass_config.fuse_norm_quan"),
    (
        """--compilation-config '{"pass_config": {"fuse_norm_quant": "maybe"}}'""",
        "member",
        "pass_config.fuse_norm_quant",
    ),
    ("""--compilation-config '{"cudagraph_capture_sizes": 8}'""", "member", "cudagraph_capture_sizes"),
    ("""--compilation-config.pass_config.fuse_norm_quan true""", "key", "pass_config.fuse_norm_quan"),
    ("""--structured-outputs-config '{"backend": "foo"}'""", "member", "backend"),
    ("""--structured-outputs-config.bakend=xgrammar""", "key", "bakend"),
    ("""--structured-outputs-config '{"disable_any_whitespace": true}'""", "together", "disable_any_whitespace"),
    ("""--kv-transfer-config '{"kv_connector": "X"}'""", "together", "kv_connector"),
    ("""--kv-transfer-config '{"kv_role": "both"}'""", "member", "kv_role"),
    ("""--eplb-config '{"window_size": 0}'""", "member", "window_size"),
    ("""--eplb-config '{"window_size": 1.5}'""", "member", "window_size"),
    ("""--attention-config.backend x""", "member", "backend"),
    ("""--lora-modules '{"name": "a"}'""", "together", "path"),
    ("""--lora-modules '{"name": "a", "path": "b", "x": 1}'""", "key", "x"),
    ("""--quantization-config '{"linear": [1]}'""", "member", "linear"),
    ("""--kernel-config '{"moe_backend": "foo"}'""", "member", "moe_backend"),
]


@pytest.mark.parametrize("line", TAKEN.strip().splitlines())
def test_what_the_class_takes_is_no_problem(line: str) -> None:
    assert problems(line) == []


@pytest.mark.parametrize(("line", "kind", "path"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_the_class_refuses(line: str, kind: str, path: str) -> None:
    option = shlex.split(line)[0].partition(".")[0]
    assert problems(line) == [(kind, option, path)]


@pytest.mark.parametrize(
    ("line", "kind", "option"),
    [
        ("--enable-auto-tool-choice", "together", "--enable-auto-tool-choice"),
        ("--enable-auto --tool-call-parser ''", "together", "--enable-auto-tool-choice"),
        ("--enable-log-outputs", "together", "--enable-log-outputs"),
        ("--gpu-memory-utilization 1.2", "range", "--gpu-memory-utilization"),
        ("--tensor-parallel-size 0", "range", "--tensor-parallel-size"),
        ("--max-model-len -2", "range", "--max-model-len"),
        ("--safetensors-load-strategy fast", "choice", "--safetensors-load-strategy"),
        ("--chat-template-content-format json", "choice", "--chat-template-content-format"),
        ("--all2all-backend passthrough", "choice", "--all2all-backend"),
        ("--spec-method MTP", "choice", "--spec-method"),
        ("--default-chat-template-kwargs None", "json", "--default-chat-template-kwargs"),
    ],
)
def test_values_that_the_release_refuses(line: str, kind: str, option: str) -> None:
    assert problems(line) == [(kind, option, "")]


@pytest.mark.parametrize(
    "line",
    [
        "--enable-auto-tool-choice --tool-call-parser hermes",
        "--enable-auto-tool-choice --no-enable-auto-tool-choice",
        "--enable-auto-tool-choice --tool-call-parser $(parser)",
        "--max-loras 0",  # looked at only with --enable-lora
        "--spec-method mtp",
        "--moe-backend FlashInfer-TRTLLM",
        "--mm-processor-device cuda",  # depends on the machine
        "--reasoning-parser own --reasoning-parser-plugin own.py",
        "--max-model-len -1",
        "--long-prefill-token-threshold '***'",
    ],
)
def test_values_that_it_takes_or_that_depend_on_the_machine(line: str) -> None:
    assert problems(line) == []


@pytest.mark.parametrize("depth", [90, 900, 20_000])
def test_deep_nesting_ends_in_an_answer(depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    for line in (("--compilation-config", deep), ("-cc.x", deep, "-cc.x", deep), (f"-cc{'.a' * depth}", "1")):
        assert read("vllm", VERSION, ("m", *line), serve=True) is not None


def test_a_computed_part_is_not_judged() -> None:
    assert problems("""--compilation-config '{"cudagraph_mode": "${MODE}"}'""") == []


def test_a_served_name_in_front_needs_the_model() -> None:
    reading = read("vllm", VERSION, ("--served-model-name", "x", "m"), serve=True)
    assert reading is not None and [p.kind for p in reading.problems] == ["misplaced"]
    assert read("vllm", VERSION, ("m", "--served-model-name", "x"), serve=True).problems == ()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("--context-length 8Ki", []),
        ("--context-length 8k", []),
        ("--context-length 8K", ["type"]),
        ("--no-enable-tf32-matmul", []),
        ("--no-trust-remote-code", ["unknown"]),
        ("--tool-call-parser qwen25", []),
        ("--tool-call-parser qwen9", ["choice"]),
        ("--reasoning-parser qwen3", []),
        ("--reasoning-parser thinker", ["choice"]),
        ("--sampling-backend token_oracle", []),  # where a variable is set
        ("--sampling-backend greedy", ["choice"]),
        ("--lora-target-modules q_proj all", []),
        ("--lora-target-modules x", ["choice"]),
        ("--lora-paths", []),
        ("--monokernel-backend amd", []),
        ("--monokernel-backend", ["value-missing"]),
        ("--cuda-graph-config []", ["json"]),
        ("--forward-hooks '[{}]'", []),
        ("--forward-hooks '[{}]' '[{}]'", ["extra"]),
    ],
)
def test_sglang(line: str, kinds: list[str]) -> None:
    reading = read("sglang", "0.5.23", ("--model-path", "m", *shlex.split(line)))
    assert reading is not None and [p.kind for p in reading.problems] == kinds


def test_sglang_needs_its_model() -> None:
    reading = read("sglang", "0.5.23", ("--port", "80"))
    assert reading is not None and [(p.kind, p.name) for p in reading.problems] == [("required", "--model-path")]
