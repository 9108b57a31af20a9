"""What programs say while a vision-language server starts: the cause by name, and a way out that leads out."""

from __future__ import annotations

import pytest

FRAME = 'Traceback (most recent call last):\n  File "/e/lib/python3.10/site-packages/{}", line 5, in load\n    go()\n'
ROWS = [
    ("flashinfer/jit/run.py", "RuntimeError: Ninja build failed. Ninja output:\nFAILED: a.cuda.o\nnvcc fatal   : Unknown option '-some-new-flag'\nninja: build stopped: subcommand failed.", "nvcc-too-old", "newer CUDA toolkit"),
    ("vllm/attention/a.py", "NotImplementedError: XFormers does not support attention sinks yet.", "attention-backend", "--attention-backend"),
    ("flash_attn/a.py", "RuntimeError: This flash attention build does not support headdim not being a multiple of 64.", "flash-attn-head-size", "uninstall flash-attn"),
    ("transformers/a.py", "RuntimeError: FlashAttention only support fp16 and bf16 data type", "flash-attn-dtype", "bfloat16"),
    ("transformers/a.py", "ValueError: The model is quantized with GPTQConfig but you are passing a AwqConfig config. Please make sure", "quantized-twice", "without a quantization_config"),
    ("transformers/a.py", "AttributeError: 'BitsAndBytesConfig' object has no attribute 'get_loading_attributes'", "quantized-twice", "without a quantization_config"),
    ("xformers/ops/a.py", "NotImplementedError: No operator found for `memory_efficient_attention_forward` with inputs:\n     query : shape=(1, 8)", "xformers-no-operator", "reinstall the xformers"),
    ("vllm/a.py", "AssertionError: In Mamba cache align mode, block_size (1056) must be <= max_num_batched_tokens (512).", "mamba-block", "at least 1056"),
    ("vllm/a.py", "AssertionError: Expandable segments are not compatible with memory pool. Please track", "expandable-segments", "unset PYTORCH_CUDA_ALLOC_CONF"),
    ("vllm/a.py", "ValueError: invalid literal for int() with base 10: 'GPU-0fa2b1c3-1111-2222-3333-444455556666'", "device-uuid", "CUDA_VISIBLE_DEVICES to numbers"),
    ("torch/a.py", "KeyError: 'getpwuid(): uid not found: 65533'", "no-user-entry", "set USER"),
    ("triton/a.py", "RuntimeError: PassManager::run failed", "triton-pass-failed", "upgrade triton"),
    ("vllm/a.py", "AttributeError: 'Qwen2_5_VLProcessor' object has no attribute 'image_token'", "processor-image-token", "4.47.0"),
]  # fmt: skip
STATE = "RuntimeError: Error(s) in loading state_dict for Qwen2VLForConditionalGeneration:\n\tsize mismatch for visual.a.weight: copying a param with shape torch.Size([4, 8]) from checkpoint, the shape in current model is torch.Size([2, 8]).\n"
READY = "INFO:     Application startup complete.\n"
DONE = 'INFO:     10.0.0.7:4242 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'
REFUSED = 'INFO:     10.0.0.7:4242 - "POST /v1/chat/completions HTTP/1.1" 400 Bad Request\n'
TEMPLATE = "jinja2.exceptions.TemplateError: Conversation roles must alternate user/assistant\n"


def said(finding) -> str:
    return " | ".join((finding.message, *(r.title for r in finding.remediations)))


@pytest.mark.parametrize(("file", "error", "name", "way"), ROWS, ids=[r[2] for r in ROWS])
def test_cause_and_way_out(explain, file: str, error: str, name: str, way: str) -> None:
    first = explain(FRAME.format(file) + error + "\n")[0]
    assert first.name == name
    assert way in said(first)


def test_the_interface_is_named_before_the_error_that_follows(explain) -> None:
    log = "n1:7:7 [0] misc/socket.cc:1 NCCL WARN Bootstrap : no socket interface found\n"
    log += FRAME.format("vllm/a.py") + "RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO)\n"
    assert explain(log)[0].name == "nccl-no-interface"


def test_an_adapter_that_was_not_merged(explain) -> None:
    error = "ValueError: There is no module or parameter named 'base_model' in Qwen2_5_VLForConditionalGeneration\n"
    first = explain("INFO vLLM API server version 0.11.0\n" + FRAME.format("vllm/a.py") + error)[0]
    assert "merge the adapter" in first.remediations[0].title
    assert not any(a.package for r in first.remediations for a in r.actions)


def test_weights_in_the_class_of_another_family(explain) -> None:
    first = explain(FRAME.format("transformers/modeling_utils.py") + STATE)[0]
    assert "Qwen2VLForConditionalGeneration" in first.message
    assert "`architectures`" in first.remediations[0].title


def test_a_configuration_in_the_class_of_another_family(explain) -> None:
    error = "AttributeError: 'Qwen2_5_VLVisionConfig' object has no attribute 'embed_dim'\n"
    other = explain(FRAME.format("transformers/models/qwen2_vl/modeling_qwen2_vl.py") + error)[0]
    assert "another family" in other.message
    own = explain(FRAME.format("transformers/models/qwen2_5_vl/modeling_qwen2_5_vl.py") + error)[0]
    assert "another family" not in own.message


def test_a_model_that_the_engine_runs_through_transformers(explain) -> None:
    error = "AttributeError: '{}' object has no attribute '_get_num_multimodal_tokens'\n"
    frame = FRAME.format("vllm/model_executor/models/transformers/multimodal.py")
    own = explain(frame + error.format("Foo9VLProcessor"))[0]
    assert [a.package for r in own.remediations for a in r.actions if a.package] == ["vllm"]
    known = explain(frame + error.format("Qwen2_5_VLProcessor"))[0]
    assert [a.package for r in known.remediations for a in r.actions if a.package] == ["transformers"]


def test_an_engines_own_kill_is_no_lack_of_memory(explain) -> None:
    trace = (
        FRAME.format("sglang/srt/a.py") + "RuntimeError: NCCL error: unhandled cuda error (run with NCCL_DEBUG=INFO)\n"
    )
    group = "[2025-03-04 12:44:25] Received sigquit from a child process. It usually means the child failed.\n"
    assert explain(trace + group + "Killed\n")[0].name == "nccl-cuda-error"
    assert explain(FRAME.format("sglang/srt/a.py") + "FooError: bar\n" + group + "Killed\n")[0].rule == "RUN001"
    assert explain(group + "Killed\n")[0].name == "killed"


def test_a_request_that_the_template_refuses_between_others(explain) -> None:
    trace = FRAME.format("transformers/tokenization_utils_base.py") + TEMPLATE
    assert explain(READY + DONE + trace + REFUSED + DONE)[0].rule == "RUN005"
    assert explain(READY + trace + REFUSED)[0].name == "chat-template-refuses"


def test_a_picture_that_is_not_there_says_nothing_of_the_model(explain) -> None:
    trace = (
        FRAME.format("vllm/connections.py") + "requests.exceptions.HTTPError: 404 Client Error: Not Found for url: x\n"
    )
    first = explain(READY + DONE + trace + REFUSED + DONE)[0]
    assert first.rule == "RUN005" and "model" not in first.message


def test_no_package_is_compared_with_itself(explain) -> None:
    inside = explain(FRAME.format("vllm/a.py") + "AttributeError: 'str' object has no attribute 'content'\n")[0]
    assert "`vllm` and `vllm`" not in said(inside)
    own = explain(
        'Traceback (most recent call last):\n  File "/app/a.py", line 5, in load\n    go()\nAttributeError: x\n'
    )[0]
    assert "`the program` and" not in said(own)


def test_the_first_way_out_does_not_begin_with_or(explain) -> None:
    first = explain(FRAME.format("app/a.py") + "KeyError: 'model.layers.0.mlp.w13_weight'\n")[0]
    assert first.name == "weights-do-not-fit"
    assert not first.remediations[0].title.startswith("or ")


def test_triton_and_the_driver_are_named_where_triton_cannot_load_its_own_code(explain) -> None:
    log = "2025-05-23 14:13:23,915 - lmdeploy - ERROR - base.py:53 - RuntimeError: Triton Error [CUDA]: device kernel image is invalid\n"
    log += "2025-05-23 14:13:23,916 - lmdeploy - ERROR - base.py:54 - <Triton> check failed!\n"
    first = explain(log)[0]
    assert first.name == "triton-driver-mismatch" and "driver" in first.remediations[0].title


def test_options_for_images_with_a_model_that_the_engine_takes_for_text(explain) -> None:
    first = explain(
        FRAME.format("vllm/a.py") + "ValueError: `limit_mm_per_prompt` is only supported for multimodal models.\n"
    )[0]
    assert first.remediations[0].actions[0].package == "vllm"


def test_shapes_that_do_not_fit_inside_an_engine_ask_for_another_release_of_it(explain) -> None:
    error = "RuntimeError: shape mismatch: value tensor of shape [4, 8] cannot be broadcast to indexing result of shape [2, 8]\n"
    assert explain(FRAME.format("vllm/a.py") + error)[0].remediations[0].actions[0].package == "vllm"


@pytest.mark.parametrize(
    ("symbol", "word"),
    [
        ("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE15_M_replace_coldEPcmPKcmm", "libstdc++"),
        ("_ZNSt6vectorIN2at6TensorESaIS1_EE17_M_realloc_insertEv", "torch"),
        ("_ZN3c104cuda9SetDeviceEab", "torch"),
    ],
)
def test_a_symbol_of_the_standard_library_is_none_of_torch(explain, symbol: str, word: str) -> None:
    error = f"OSError: /e/lib/python3.10/site-packages/foo_ext/libfoo.so: undefined symbol: {symbol}\n"
    assert word in explain(FRAME.format("torch/_ops.py") + error)[0].message


@pytest.mark.parametrize("root", ["/sgl-workspace/sglang/python/", "/opt/sglang/", "/e/lib/python3.10/site-packages/"])
def test_an_engine_that_runs_from_its_source_tree_is_known_as_it(explain, root: str) -> None:
    log = f'Traceback (most recent call last):\n  File "{root}sglang/srt/models/a.py", line 5, in forward\n    go()\n'
    first = explain(
        log + "RuntimeError: The expanded size of the tensor (4) must match the existing size (5) at dimension 0\n"
    )[0]
    assert first.remediations[0].actions[0].package == "sglang"


@pytest.mark.parametrize(
    ("error", "name", "way"),
    [
        (
            "RuntimeError: Qwen2-VL does not support _Backend.FLASHINFER backend now.",
            "attention-backend",
            "--attention-backend",
        ),
        (
            "ValueError: Marlin does not support weight_bits = uint4b8. Only types = [] are supported (for group_size = 64)",
            "marlin-gpu",
            "--quantization gptq",
        ),
    ],
)
def test_what_a_gpu_or_a_backend_cannot_do(explain, error: str, name: str, way: str) -> None:
    first = explain(FRAME.format("vllm/a.py") + error + "\n")[0]
    assert first.name == name and way in first.remediations[0].title


def test_a_file_of_an_engines_source_tree_is_no_file_of_ones_own(explain) -> None:
    head = 'Traceback (most recent call last):\n  File "{}/a.py", line 5, in <module>\n    import foo_bar_x\n'
    error = "ModuleNotFoundError: No module named 'foo_bar_x'\n"
    assert "of your own" not in explain(head.format("/sgl-workspace/sglang/python/sglang/srt") + error)[0].message
    assert "of your own" in explain(head.format("/home/me/tool") + error)[0].message


def test_a_call_of_the_driver_is_no_symbol_of_torch(explain) -> None:
    error = "ImportError: /root/.triton/cache/ab12/cuda_utils.so: undefined symbol: cuModuleGetFunction\n"
    first = explain(FRAME.format("triton/runtime/driver.py") + error)[0]
    assert "libcuda" in first.message and "`root`" not in said(first)
    assert "cache" in first.remediations[0].title


def test_a_folder_that_hides_a_package_is_no_matter_of_versions(explain) -> None:
    error = "ImportError: cannot import name 'ServerArgs' from 'sglang' (unknown location)\n"
    first = explain(FRAME.format("app/a.py") + error)[0]
    assert "folder" in first.message
    assert all(a.direction == "reinstall" for r in first.remediations for a in r.actions if a.package)


def test_the_engine_that_runs_is_upgraded_where_it_does_not_know_the_family(explain) -> None:
    log = "2025-11-03 21:40:56,729 - lmdeploy - ERROR - base.py:55 - AttributeError: 'Qwen3VLConfig' object has no attribute 'hidden_size'\n"
    log += "2025-11-03 21:40:56,729 - lmdeploy - ERROR - base.py:56 - <Model> check failed!\n"
    packages = [a.package for r in explain(log)[0].remediations for a in r.actions if a.package]
    assert packages == ["lmdeploy"]
