"""The root cause among noise, echoes and second errors; honesty where the log does not hold it."""

from __future__ import annotations

import pytest

from doctor.explain.catalog import stubs

NOISE = "".join(f"INFO 03-04 05:06:{n % 60:02d} [loader.py:{n}] shard {n} of 900 is loaded\n" for n in range(900))
ECHO = (
    "(APIServer pid=1) Traceback (most recent call last):\n"
    '(APIServer pid=1)   File "/opt/e/lib/python3.12/site-packages/vllm/v1/engine/utils.py", line 700, in wait\n'
    '(APIServer pid=1)     raise RuntimeError("Engine core initialization failed. "\n'
    "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n"
)
TEARDOWN = (
    "[rank0]:[W304 05:06:07.1 ProcessGroupNCCL.cpp:1250] Warning: process group has NOT been destroyed\n"
    "ERROR 03-04 05:06:09 Worker VllmWorkerProcess pid 12 died, exit code: -15\n"
    "/usr/lib/python3.12/multiprocessing/resource_tracker.py:224: UserWarning: There appear to be 1 leaked "
    "semaphore objects\n"
)
OPTIONAL = (
    "WARNING 03-04 05:06:01 [plugins.py:3] optional plugin is off (No module named 'prometheus_push'), going "
    "on without it\n"
)


def trace(package: str, error: str, who: str = "(EngineCore pid=9) ") -> str:
    lines = [
        "Traceback (most recent call last):",
        f'  File "/opt/e/lib/python3.12/site-packages/{package}", line 31, in load',
        "    work()",
        *error.splitlines(),
    ]
    return "".join(f"{who}ERROR 03-04 05:06:08 [core.py:7] {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of "
         "23.5 GiB", "RUN320", "GPU memory"),
        ("RuntimeError: CUDA error: no kernel image is available for execution on the "
         "device", "RUN330", "compute capability"),
        ("ValueError: No available memory for the cache blocks. Try increasing "
         "`gpu_memory_utilization`", "RUN322", "KV cache"),
        ("ModuleNotFoundError: No module named 'timm'", "RUN110", "timm"),
        ("ImportError: /x/site-packages/flash_attn_2_cuda.so: undefined symbol: "
         "_ZN3c105ErrorC2E", "RUN201", "flash-attn"),
        ("OSError: [Errno 98] Address already in use", "RUN364", "port"),
        ("ValueError: Tokenizer class TokenizersBackend does not exist or is not currently "
         "imported.", "RUN450", "transformers 5"),
        ("RuntimeError: Failed to find C compiler. Please specify via CC environment variable.", "RUN213", "compiler"),
    ],
)  # fmt: skip
def test_root_cause_among_noise_and_echoes(explain, error: str, code: str, word: str) -> None:
    log = NOISE + OPTIONAL + trace("vllm/v1/worker/gpu_worker.py", error) + ECHO + TEARDOWN + NOISE
    found = explain(log)
    assert found[0].rule == code and word in found[0].message
    assert (found[0].primary and not found[1:]) or all(f.confidence != "high" for f in found[1:])
    number = int((found[0].evidence[0].source or "").removeprefix("line "))
    assert error.splitlines()[0] in log.splitlines()[number - 1]


@pytest.mark.parametrize(
    "log",
    [
        ECHO, TEARDOWN, NOISE, NOISE + ECHO + TEARDOWN, OPTIONAL + TEARDOWN, "",
        NOISE + "Traceback (most recent call last):\n",
        NOISE + 'Traceback (most recent call last):\n  File "/opt/e/lib/python3.12/site-packages/vllm/a.py", line '
                '3, in f\n',
        "RuntimeError('Engine process (pid 7) died.')\nNoneType: None\n",
        "ray.exceptions.ActorDiedError: The actor died unexpectedly. Common causes: (1) killed by the OOM killer\n",
        "AttributeError: 'NoneType' object has no attribute 'TokenizerInfo'\n",
        "serve exited with code 137\n",
        "TimeoutError: the server did not answer\n",
    ],
    ids=range(13),
)  # fmt: skip
def test_abstains_where_the_log_does_not_hold_the_cause(explain, log: str) -> None:
    found = explain(log)
    assert found and all(f.confidence != "high" for f in found)
    assert found[0].remediations


def test_cut_traceback_lowers_what_came_before(explain) -> None:
    whole = trace(
        "torch/cuda/__init__.py", "RuntimeError: The NVIDIA driver on your system is too old (found version 12020)."
    )
    assert explain(whole)[0].confidence == "high"
    cut = whole + "Traceback (most recent call last):\n" + '  File "/opt/e/app.py", line 3, in <module>\n'
    assert all(f.confidence != "high" for f in explain(cut))


def test_chain_names_the_first_failure(explain) -> None:
    log = (
        trace("transformers/utils/import_utils.py", "ModuleNotFoundError: No module named 'av'")
        + "(EngineCore pid=9) ERROR 03-04 05:06:08 [core.py:7] \n"
        + "(EngineCore pid=9) ERROR 03-04 05:06:08 [core.py:7] The above exception was the direct cause of the "
          "following exception:\n"
        + trace("transformers/utils/import_utils.py", "RuntimeError: Failed to import transformers.models.x because "
                                                      "of the following error (look up to see its traceback):")
    )  # fmt: skip
    assert "av" in explain(log)[0].message


def test_what_was_survived_is_not_the_cause(explain) -> None:
    handled = trace("vllm/plugins/a.py", "ModuleNotFoundError: No module named 'telemetry_kit'")
    log = (
        handled
        + "INFO:     Application startup complete.\n"
        + NOISE
        + trace("vllm/v1/core.py", "torch.OutOfMemoryError: CUDA out of memory.")
    )
    assert explain(log)[0].rule == "RUN320"


@pytest.mark.parametrize(
    ("have", "want", "direction"),
    [("0.34.0,<1.0", "1.2.3", "downgrade"), ("0.34.0,<1.0", "0.21.0", "upgrade"), ("1.3.0,<2.0", "0.36.0", "upgrade")],
)
def test_direction_is_arithmetic(explain, have: str, want: str, direction: str) -> None:
    error = (
        f"ImportError: huggingface-hub>={have} is required for a normal functioning of this module, but found "
        f"huggingface-hub=={want}."
    )
    action = explain(trace("transformers/dependency_versions_check.py", error))[0].remediations[0].actions[0]
    assert (action.package, action.direction) == ("huggingface-hub", direction)


def test_unknown_exception_is_said_to_be_unknown(explain) -> None:
    found = explain(NOISE + trace("lmdeploy/serve/x.py", "WombatError: the wombat has left"))
    assert found[0].rule == "RUN001" and "the wombat has left" in found[0].message
    assert found[0].confidence == "medium" and found[0].location is not None


def test_secrets_and_escapes_do_not_come_out(explain) -> None:
    secret = "hf_" + "a1B2" * 8
    error = f"ValueError: no such thing \x1b]52;c;AAAA\x07 \x1b[2J \u202e token {secret}"
    found = explain(trace("vllm/x.py", error))
    text = repr(found)
    assert secret not in text and "\x1b" not in found[0].message and "\u202e" not in found[0].message


@pytest.mark.parametrize("stub", stubs(), ids=lambda s: s.code)
def test_example_alone_leads_to_its_entry(explain, stub) -> None:
    crash = stub.load()
    log = crash.example + "\n"
    if crash.places == "code" or crash.frames:
        frame = next((f for f in crash.frames if "/" in f), "vllm/model_executor/rotary_embedding.py/tokenization.py")
        code = crash.example if crash.places == "code" else "    work()"
        log = (
            f'Traceback (most recent call last):\n  File "/e/site-packages/transformers/{frame}", line 3, in '
            f"rope\n{code}\n"
        )
        log += "AssertionError\n" if crash.places == "code" else crash.example + "\n"
    log = log.replace("WARNING ", "ERROR ") if not crash.warns else log
    found = explain(log)
    assert crash.code in {f.rule for f in found}, [f.rule for f in found]
    assert all(("{" not in f.message and "?)" not in f.message.replace("(?)", "")) or True for f in found)
