"""A run's life: what a server survived, ignored, or refused to one client is no failure; what ended it is."""

from __future__ import annotations

import pytest

READY = "INFO:     Started server process [7]\nINFO:     Application startup complete.\n"
OK = 'INFO:     192.0.2.7:40000 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'
BAD = 'INFO:     192.0.2.7:40001 - "POST /v1/chat/completions HTTP/1.1" 400 Bad Request\n'
BROKEN = 'INFO:     192.0.2.7:40001 - "POST /v1/chat/completions HTTP/1.1" 500 Internal Server Error\n'
OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.5 GiB"


def logged(file: str, error: str, prefix: str = "ERROR 03-04 05:06:08 [core.py:7] ", function: str = "load") -> str:
    """A traceback as an engine's logger writes it, with its prefix on every line."""
    lines = ["Traceback (most recent call last):", f'  File "/opt/e/lib/python3.12/site-packages/{file}", line 31, in '
             f"{function}", "    work()", error]  # fmt: skip
    return "".join(f"{prefix}{line}\n" for line in lines)


STARTED = "INFO 03-04 05:05:00 [api_server.py:1] vLLM API server version 0.11.0\n"
DIED = "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n"
HEALTHY = {
    "plain": STARTED + READY + OK,
    "second attempt": STARTED + logged("vllm/v1/worker.py", OOM) + DIED + STARTED + READY + OK,
    "refused request": STARTED + READY + logged("vllm/entrypoints/openai/serving_chat.py", "ValueError: Invalid image")
    + BAD,
    "failed request, then others": STARTED + READY + logged("vllm/multimodal/image.py", "ValueError: broken PNG") + OK,
    "refused by the template code": STARTED + READY + logged("vllm/entrypoints/chat_utils.py", "ValueError: At most 1 "
    "image(s) may be provided in one request.") + BAD,
    "a model's answer": "Prompt: 'a', Generated text: ' " + OOM + "'\nProcessed prompts: 100%|##| 1/1 [00:01<00:00]\n",
    "ollama": "time=2025-10-01T10:00:00Z level=INFO source=routes.go:1 msg=\"Listening on 127.0.0.1:11434\"\n",
    "client left": READY + "ERROR:    Exception in ASGI application\n"
    + logged("starlette/responses.py", "starlette.requests.ClientDisconnect", "", "stream") + OK,
    "prompt with an error in it": READY + "INFO 03-04 05:06:08 [logger.py:3] Received request cmpl-1: prompt: 'why "
    f"{OOM}', params: SamplingParams(n=1)\n" + OK,
    "sglang prompt": "The server is fired up and ready to roll!\n[2026-01-01 10:00:00] Receive: obj=GenerateReqInput("
    "text='RuntimeError: CUDA error: no kernel image is available', image_data=None)\n",
    "ignored import": "[2026-01-01 10:00:00] Ignore import error when loading sglang.srt.models.wombat: No module "
    "named 'wombat_ops'\n[2026-01-01 10:00:09] The server is fired up and ready to roll!\n",
    "ignored while ending": "Processed prompts: 100%|####| 3/3 [00:03<00:00]\nException ignored in: <function "
    "Engine.__del__ at 0x7f>\n" + logged("vllm/engine.py", "AttributeError: 'NoneType' object has no attribute 'x'", ""),
    "stopped": STARTED + READY + OK + "^C\nINFO:     Shutting down\n" + DIED + "Killed\n",
    "stopped by a signal": "[2026-01-01 10:00:09] The server is fired up and ready to roll!\n[2026-01-01 10:01:00] "
    "SIGTERM received. signum=None frame=None. Draining requests and shutting down...\nKilled\n",
    "optional kernel": "WARNING 03-04 05:05:00 [_custom_ops.py:20] Failed to import from vllm._C with "
    "ModuleNotFoundError(\"No module named 'vllm._C'\")\n" + STARTED + READY,
    "lifespan canceled by Ctrl-C": READY + "INFO:     Shutting down\n"
    + logged("uvicorn/server.py", "KeyboardInterrupt", "ERROR:    ", "run")
    + "\nDuring handling of the above exception, another exception occurred:\n\n"
    + logged("starlette/routing.py", "asyncio.exceptions.CancelledError", "", "lifespan") + "\nAborted!\n",
    "file server": "Serving HTTP on 0.0.0.0 port 8305 (http://0.0.0.0:8305/) ...\n192.0.2.7 - - [30/Nov/2026 08:31:20] "
    "code 404, message File not found\n\nKeyboard interrupt received, exiting.\n",
    "database with a bad query": "LOG:  database system is ready to accept connections\nERROR:  relation does not exist\n",
    "llama.cpp": "main: server is listening on http://127.0.0.1:8080 - starting the main loop\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy(explain, name: str) -> None:
    found = explain(HEALTHY[name])
    assert [f.severity for f in found] == ["note"] and found[0].message.startswith("Healthy, nothing failed")


FAILED = {
    "after it was ready": STARTED + READY + OK + logged("vllm/v1/worker.py", OOM) + DIED + BROKEN,
    "then asked to stop": STARTED + logged("vllm/v1/worker.py", OOM) + DIED + "INFO:     Shutting down\n",
    "health checks go on": STARTED + READY + logged("vllm/v1/worker.py", OOM)
    + 'INFO:     192.0.2.7:40000 - "GET /metrics HTTP/1.1" 200 OK\n',
    "one service of two": OK + logged("vllm/v1/worker.py", OOM, "", "<module>") + OK,
}  # fmt: skip


@pytest.mark.parametrize("name", FAILED)
def test_failed(explain, name: str) -> None:
    found = explain(FAILED[name])
    assert found[0].rule == "RUN320" and found[0].severity == "error"


def test_served_then_failed_is_said(explain) -> None:
    found = explain(FAILED["after it was ready"])
    assert any(e.fact == "served, then failed" and e.source == "line 3" for e in found[0].evidence)


def test_stopped_before_it_was_ready(explain) -> None:
    found = explain(STARTED + "^C\n" + DIED)
    assert found[0].rule == "RUN006" and found[0].severity == "note" and found[0].confidence != "high"


@pytest.mark.parametrize("rank", ["", " TP1", " DP0 TP1 EP1"])
def test_the_kill_of_a_cleanup_is_no_cause(explain, rank: str) -> None:
    log = (
        f"[2026-01-01 10:00:00{rank}] Scheduler hit an exception: Traceback (most recent call last):\n"
        '  File "/opt/e/lib/python3.12/site-packages/sglang/srt/models/wombat.py", line 3, in __init__\n'
        '    raise ValueError("Wombats are supported up to version 4")\n'
        "ValueError: Wombats are supported up to version 4\n"
        "[2026-01-01 10:00:01] Received sigquit from a child process. It usually means the child failed.\nKilled\n"
    )
    found = explain(log)
    assert "Wombats are supported" in found[0].message and "host ran out" not in found[0].message


def test_a_hint_before_the_failure_is_no_cause(explain) -> None:
    log = "FlashAttention2 is not installed.\n" + logged(
        "lmdeploy/vl/a.py", "ValueError: no weights in /m", "", "<module>"
    )
    assert "no weights in /m" in explain(log)[0].message


@pytest.mark.parametrize("where", ["ValueError: ", "pydantic_core._pydantic_core.ValidationError: "])
def test_own_advice_is_passed_on(explain, where: str) -> None:
    said = "The model type 'wombat' does not support float16. Please use bfloat16 instead."
    error = where + said
    if "pydantic" in where:
        error = (f"{where}1 validation error for ModelConfig\n  Value error, {said} [type=value_error, input_value=A(), "
                 "input_type=A]\n    For further information visit https://errors.pydantic.dev/2.12/v/value_error")  # fmt: skip
    found = explain(logged("vllm/config.py", error, "", "<module>"))
    assert "does not support float16" in found[0].message and "input_value" not in found[0].message
    assert "Please use bfloat16 instead." in found[0].remediations[0].title and found[0].confidence == "high"


def test_a_solution_block_is_passed_on(explain) -> None:
    error = ("RuntimeError: CRITICAL: known problem\n-----------\nIssue:     It computes wombats wrongly.\n"
             "Solution:  You must upgrade libwombat to 3.1.")  # fmt: skip
    found = explain(logged("sglang/srt/server_args.py", error, "", "<module>"))
    assert "upgrade libwombat to 3.1" in found[0].remediations[0].title


def test_an_error_line_without_traceback_comes_before_its_echoes(explain) -> None:
    log = "[ERROR] the wombat is of another kind than the kernel.\n" + DIED
    found = explain(log)
    assert "of another kind" in found[0].message and found[0].confidence == "low"


def test_an_echo_alone_is_a_failure_without_its_cause(explain) -> None:
    found = explain(
        STARTED + logged("vllm/v1/engine/utils.py", "TimeoutError: Timed out waiting for engines.", "", "wait")
    )
    assert found[0].severity == "error" and found[0].confidence == "low" and "Timed out" in found[0].message


def test_a_rank_without_prefix_on_its_traceback_is_read(explain) -> None:
    bare = logged(
        "sglang/srt/model_executor/a.py", "AssertionError: Backend needs wombats. Please use `--backend b`.", ""
    )
    log = "".join(f"[2026-01-01 10:00:0{n} TP{n}] Scheduler hit an exception: {bare}\n" for n in (0, 1))
    found = explain(log + "[2026-01-01 10:00:03] Received sigquit from a child process.\nKilled\n")
    assert "--backend b" in found[0].remediations[0].title
