"""Any size, any encoding, any prefix."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.explain import explain_log
from doctor.explain.catalog import stubs
from doctor.explain.encoding import repaired
from doctor.explain.lines import lines_of
from doctor.explain.reading import BUDGET, HEAD, TAIL, read

CAUSE = "ModuleNotFoundError: No module named 'einops'"
TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/opt/e/lib/python3.11/site-packages/lmdeploy/serve/app.py", line 7, in start\n'
    "    import einops\n" + CAUSE + "\n"
)
NOISE = "INFO 03-04 05:06:07 [metrics.py:88] tokens per second 81.2, 3 running, 0 waiting\n"


def first(log: bytes) -> str:
    return explain_log(io.BytesIO(log))[0].message


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(codec: str) -> None:
    assert "einops" in first((NOISE * 30 + TRACE + NOISE * 3).encode(codec))


def test_utf_16_is_cut_between_chunks() -> None:
    log = (NOISE * 40_000 + TRACE + NOISE * 40_000).encode("utf-16")
    found = explain_log(io.BytesIO(log))[0]
    assert "einops" in found.message
    assert found.evidence[0].source == "line 40004"


@pytest.mark.parametrize("codec", ["mac_roman", "cp1252"])
def test_text_that_was_decoded_wrongly_is_repaired(codec: str) -> None:
    right = "加载模型失败：内存 ▆▆ 100%"
    try:
        wrong = right.encode("utf-8").decode(codec)
    except UnicodeDecodeError:
        pytest.skip(f"{codec} has no character for one of the bytes")
    assert repaired(wrong) == right
    assert repaired("déjà vu, naïve") == "déjà vu, naïve"


@pytest.mark.parametrize(
    "prefix",
    [
        "2025-01-02T03:04:05.123456789Z stdout F ",
        "2025-01-02T03:04:05.123456789Z ",
        "engine-1  | ",
        "Mar 04 05:06:07 box serve[812]: ",
        "(EngineCore_DP0 pid=812) ",
        "(APIServer pid=3) ",
        "[rank0]: ",
        "\x1b[1;36m(Worker_TP0 pid=9)\x1b[0;0m ERROR 03-04 05:06:07 [core.py:12] ",
        "[pod/vlm-0/engine] ",
        "(RayWorkerWrapper pid=44, ip=10.0.0.7) ",
        "2025-01-02 03:04:05.678 | ERROR    | app:run:12 - ",
        "ERROR 03-04 05:06:07 engine.py:12] ",
        "[2025-01-02 03:04:05 TP0] ",
        "2025-01-02 03:04:05,678 x.core 7 ERROR    ",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_prefixes_are_taken_off(prefix: str, end: str) -> None:
    log = "".join(prefix + line + end for line in (NOISE * 3 + TRACE).splitlines())
    found = explain_log(io.BytesIO(log.encode()))[0]
    assert found.rule == "RUN110" and "einops" in found.message
    assert found.location is not None and found.location.path == "lmdeploy/serve/app.py" and found.location.line == 7


def test_json_lines_of_a_container() -> None:
    import json

    log = "".join(
        json.dumps({"log": line + "\n", "stream": "stderr", "time": "t"}) + "\n" for line in TRACE.splitlines()
    )
    assert "einops" in first(log.encode())


def test_interleaved_processes_are_told_apart() -> None:
    other = TRACE.replace("einops", "timm").splitlines()
    mixed = [f"(A pid={1 + n % 2}) {(TRACE.splitlines(), other)[n % 2][n // 2]}" for n in range(2 * len(other))]
    found = explain_log(io.BytesIO("\n".join(mixed).encode()))
    assert "einops" in found[0].message and found[0].location is not None and found[0].location.line == 7


def test_carriage_returns_leave_what_a_terminal_shows() -> None:
    bar = "".join(f"\rshards {n}%" for n in range(100))
    assert lines_of(read(io.BytesIO((bar + "\n" + CAUSE + "\r\n").encode())))[1].text == CAUSE


def test_bad_bytes_and_nul() -> None:
    assert "einops" in first(
        b"\xff\xfe\xfd\x80 start\n" + TRACE.encode().replace(b"    import", b"    imp\xc3rt") + b"\0\0\n"
    )


def test_line_number_far_down_and_bounded_memory() -> None:
    log = (NOISE * 200_000 + TRACE + NOISE * 200_000).encode()
    tracemalloc.start()
    found = explain_log(io.BytesIO(log))[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.evidence[0].source == "line 200004"
    assert peak < 24 << 20


def test_a_flood_of_errors_stays_within_the_budget() -> None:
    log = b"ERROR: something failed, error 17, exception ignored\n" * 400_000
    kept = read(io.BytesIO(TRACE.encode() + log))
    assert sum(len(t) for _, t in kept) < BUDGET + HEAD + TAIL + (4 << 20)
    assert "einops" in first(TRACE.encode() + log)


def test_an_endless_line() -> None:
    assert explain_log(io.BytesIO(b"x" * (8 << 20) + b"\n" + TRACE.encode()))[0].rule == "RUN110"


@pytest.mark.parametrize("stub", stubs(), ids=lambda s: s.code)
def test_every_example_is_noticed_deep_in_a_log(stub) -> None:
    crash = stub.load()
    if crash.places == "code":
        pytest.skip("source lines are kept with the traceback that they stand in")
    log = NOISE * 4000 + crash.example + "\n" + NOISE * 4000
    kept = "\n".join(t for _, t in read(io.BytesIO(log.encode())))
    assert crash.example.strip().splitlines()[-1].strip() in kept


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=4000))
def test_any_bytes_give_an_answer(raw: bytes) -> None:
    found = explain_log(io.BytesIO(raw))
    assert found and all(f.confidence in ("high", "medium", "low") for f in found)
    assert all("\x1b" not in f.message for f in found)
