"""`qvl-doctor probe`, as users call it: addresses, keys, gateways, what is said, and how it ends."""

from __future__ import annotations

import json
import os
import struct
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

import doctor.report
from doctor.cli import main
from doctor.collect.machine.listeners import Serving, serving
from doctor.facts.gpu import Device, Gpu, GpuProcess
from doctor.matrix.answers import Refusal, answers, known_as
from doctor.probe.address import Address
from doctor.probe.chat import is_garbage
from doctor.probe.checks.gpu import outcome
from doctor.probe.checks.schema import violation
from doctor.probe.numbers import cache_usage, counting, parsed
from doctor.probe.options import Options
from doctor.probe.picture import COLORS, NAMES, PIXELS, named, png
from doctor.probe.talk import Talk, Tally
from tests.probe.misbehaving import page, refuses
from tests.probe.serving import Handler, Stub, served
from tests.remote.misbehaving import certificate

SCHEMA = json.loads((Path(doctor.report.__file__).parent / "probe.schema.json").read_text(encoding="utf-8"))
QUICK = ("--timeout", "8", "--wait", "3", "--skip", "gpu")


@pytest.fixture(autouse=True)
def _straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)


def run(*words: str) -> Result:
    """`qvl-doctor probe WORDS`."""
    return CliRunner().invoke(main, ["probe", *words, *QUICK])


def said(*words: str) -> dict[str, Any]:
    """The JSON answer."""
    data: dict[str, Any] = json.loads(run(*words, "--format", "json").stdout)
    jsonschema.validate(data, SCHEMA)
    return data


def codes(data: dict[str, Any]) -> list[str]:
    """The codes of all findings."""
    return [f["code"] for f in data["findings"]]


def test_a_server_that_does_all_is_all_right() -> None:
    with served(Stub()) as stub:
        done, data, quiet = run(stub.address), said(stub.address), run(stub.address, "--quiet")
    assert done.exit_code == 0 and "✓ The server does all that was asked." in done.stdout, done.output
    assert (quiet.exit_code, quiet.stdout) == (0, "")
    assert [r["name"] for r in data["results"]] == ["health", "model", "text", "image", "schema", "speed", "metrics", "gpu"]
    assert {r["status"] for r in data["results"]} == {"pass", "notApplicable"} and data["findings"] == []
    assert data["schema"] == 1 and data["server"]["name"] == "vllm" and data["server"]["model"] == "owl-vl"
    assert data["figures"]["first_token_seconds"] > 0 and data["figures"]["kv_cache_usage"] == 0.25


def test_a_name_that_is_listed_and_refused_is_said_once() -> None:
    with served(Stub({"text": refuses(404, "The model `owl-vl` does not exist.")})) as stub:
        data = said(stub.address)
    assert codes(data) == ["SRV150"] and "though it lists it" in data["findings"][0]["message"]
    assert "it serves `owl-vl`" not in data["findings"][0]["message"]
    assert "not asked after SRV150" in {r["name"]: r["reason"] for r in data["results"]}["image"]


def test_where_nothing_was_asked_nothing_is_right() -> None:
    words = [w for r in answers().checks for w in ("--skip", r.name)]
    with served(Stub()) as stub:
        done = run(stub.address, *words)
    assert "○ Nothing was asked" in done.stdout and "✓" not in done.stdout


def test_a_web_page_is_no_health() -> None:
    with served(Stub({"health": page(200, "My chat")})) as stub:
        health = said(stub.address)["results"][0]
    assert health["status"] == "open" and "web page" in health["reason"]


def test_an_error_is_1_a_warning_only_when_asked_for() -> None:
    with served(Stub({"image": refuses(400, "owl is not a multimodal model")})) as stub:
        done, quiet = run(stub.address), run(stub.address, "--quiet")
    assert done.exit_code == 1 and "error SRV170 no-image-support, certain  (start here)" in done.stdout
    assert quiet.stdout.splitlines() == ["error SRV170 no-image-support: The server does not accept images with this model"]
    with served(Stub({"text": lambda h: h.says("An owl.")})) as stub:
        assert run(stub.address).exit_code == 0
        assert run(stub.address, "--fail-on", "warning").exit_code == 1


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/v1/chat/completions", "/health", "/metrics", "/v1/models"])
def test_any_of_its_addresses_will_do(tail: str) -> None:
    assert Address.of(f"http://owls:8000{tail}").root == "http://owls:8000"
    assert Address.of(f"https://gate/llm{tail}").root == "https://gate/llm"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "http://a b", "http://x:99999", "http://\u202ex"])
def test_what_is_not_an_address_is_a_usage_error(url: str) -> None:
    done = run(url)
    assert done.exit_code == 2 and "address" in done.output
    assert ("did you mean `http://localhost:8000`?" in done.output) == (url == "localhost:8000")


def test_nobody_listens() -> None:
    with served(Stub()) as stub:
        pass
    data = said(stub.address)
    assert codes(data) == ["SRV101"] and run(stub.address).exit_code == 1
    assert all(r["status"] in ("open", "notApplicable") for r in data["results"][1:])


def test_a_key_is_read_from_a_variable_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWL_KEY", "key-of-the-owls-4711\n")
    monkeypatch.setenv("WRONG", "key-of-somebody-4712")
    echo = refuses(400, "Received API Key = key-of-the-owls-4711, and no")
    with served(Stub({"image": echo}, key="key-of-the-owls-4711")) as stub:
        right, without = run(stub.address, "--api-key-env", "OWL_KEY"), said(stub.address)
        wrong = said(stub.address, "--api-key-env", "WRONG")
    assert "✓ text" in right.stdout and "4711" not in right.output and "Received API Key = ***" in right.output
    assert codes(without) == ["SRV120"] and codes(wrong) == ["SRV121"] and "4712" not in json.dumps(wrong)
    assert "`WRONG`" in wrong["findings"][0]["message"]
    assert run(stub.address, "--api-key-env", "NOT_SET_ANYWHERE").exit_code == 2


def test_a_key_does_not_follow_a_redirect_to_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWL_KEY", "key-of-the-owls-4711")
    with served(Stub()) as other:
        lead = {k: lambda h: h.send(b"", 307, Location=other.address + h.path) for k in ("models", "text")}
        with served(Stub(lead)) as stub:
            data = said(stub.address, "--api-key-env", "OWL_KEY")
    (led,) = (f for f in data["findings"] if f["code"] == "SRV112")
    assert other.address in led["message"] and led["severity"] == "warning"
    assert other.asked and not any("Authorization" in headers for _, headers, _ in other.asked)
    assert all("Authorization" in headers for _, headers, _ in stub.asked)


def test_a_server_that_is_not_ready_is_asked_again() -> None:
    asked = []

    def late(h: Handler) -> None:
        asked.append(1)
        h.send(b"", 503 if len(asked) < 3 else 200)

    with served(Stub({"health": late})) as stub:
        data = said(stub.address)
    assert codes(data) == ["SRV147"] and data["findings"][0]["severity"] == "note"
    assert "503 at first" in data["findings"][0]["message"] and data["results"][2]["status"] == "pass"


def test_a_wrong_name_is_told_apart_from_the_listed_one() -> None:
    def picky(h: Handler) -> None:
        known = h.body["model"] == "owl-vl"
        return h.says("5") if known else refuses(404, f"The model `{h.body['model']}` does not exist.")(h)

    with served(Stub({"text": picky})) as stub:
        data = said(stub.address, "--model", "gpt-4o")
    assert codes(data) == ["SRV150"] and "`gpt-4o`" in data["findings"][0]["message"]
    assert "it serves `owl-vl`" in data["findings"][0]["message"]
    assert data["results"][1]["status"] == "open" and data["results"][3]["status"] == "pass"


def test_litellm_is_known_by_its_own_health_route() -> None:
    """Its `/health` would ask every model behind it."""
    alive = lambda h: h.json("I'm alive!") if h.path == "/health/liveliness" else h.json({}, 404)  # noqa: E731
    with served(Stub({"other": alive})) as stub:
        data = said(stub.address)
    assert data["server"]["name"] == "LiteLLM" and stub.count("health") == 0
    with served(Stub({"other": alive, "models": lambda h: h.send(b"Internal Server Error", 500, "text/plain")})) as stub:
        assert codes(said(stub.address)) == ["SRV120"], "without its database package it fails while it refuses"


def test_what_comes_again_is_said_once() -> None:
    gone = refuses(500, "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.")
    with served(Stub(dict.fromkeys(("text", "image", "schema", "stream"), gone))) as stub:
        data, quiet = said(stub.address), run(stub.address, "--quiet")
    assert codes(data) == ["SRV141"] * 4 and [f["follows_from"] for f in data["findings"]] == [[], *[["SRV141"]] * 3]
    assert len(quiet.stdout.splitlines()) == 1


def test_tls_that_is_not_trusted_and_ports_that_speak_the_other_protocol(tmp_path: Path) -> None:
    if (own := certificate(tmp_path)) is None:
        pytest.skip("openssl is missing here")
    with served(Stub(), own) as stub:
        assert codes(said(stub.address)) == ["SRV103"]
        plain = said(stub.address.replace("https", "http"))
    assert codes(plain) == ["SRV105"] and "https://" in plain["findings"][0]["remediations"][0]["title"]
    with served(Stub()) as stub:
        assert codes(said(stub.address.replace("http", "https"))) == ["SRV104"]


def test_a_proxy_in_between_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://user:secret-word@127.0.0.1:9")
    with served(Stub()) as stub:
        data = said(stub.address)
    assert codes(data) == ["SRV102"] and "secret-word" not in json.dumps(data)
    assert "NO_PROXY" in data["findings"][0]["remediations"][0]["title"] and not stub.asked


def test_a_reasoning_model_may_spend_its_tokens_on_thinking() -> None:
    thinks = lambda h: h.says(None, "length", reasoning_content="The user asks for 2 + 3, so")  # noqa: E731
    with served(Stub({"text": thinks, "image": thinks, "schema": thinks})) as stub:
        data = said(stub.address)
    status = {r["name"]: r["status"] for r in data["results"]}
    assert (status["text"], status["image"], status["schema"]) == ("pass", "open", "fail") and codes(data) == ["SRV183"]


    untold = lambda h: h.says("<think>The user asks for 2 + 3, so", "length")  # noqa: E731
    aloud = lambda h: h.says("<think>7 or 8?</think>5")  # noqa: E731
    with served(Stub({"text": untold, "image": untold})) as stub:
        status = {r["name"]: r["status"] for r in said(stub.address)["results"]}
    assert (status["text"], status["image"]) == ("pass", "open")
    with served(Stub({"text": aloud})) as stub:
        assert codes(said(stub.address)) == []


GPU = Device(0, "RTX 4090", (8, 9), 24 << 30, 24 << 30, processes=())
BUSY = replace(GPU, memory_free=4 << 30)
OURS = replace(BUSY, processes=(GpuProcess(7, "python3", 20 << 30),))


@pytest.mark.parametrize(("devices", "pids", "name", "code", "words"), [
    ((OURS,), {7}, "python3", None, "20.0 GiB on RTX 4090"),
    ((GPU,), {7}, "python3", "SRV210", ""),
    ((BUSY,), {7}, "python3", None, "by whom is not visible"),
    ((replace(OURS, processes=(GpuProcess(9, None, 20 << 30),)),), {7}, "python3", None, "by whom is not visible"),
    ((replace(GPU, memory_free=None, processes=None),), {7}, "python3", None, "the driver does not say"),
    ((GPU,), {7}, "docker-proxy", None, "may pass requests on"),
    ((), {7}, "python3", "SRV211", ""), ((), {7}, "ssh", None, "may pass requests on"),
    ((), {7}, "k9s", None, "may pass requests on"), ((), {7}, "VLLM::APIServer", "SRV211", ""), ((), set(), "", None, "not visible"),
])  # fmt: skip
def test_the_gpu_is_used_only_where_that_is_seen(
    devices: tuple[Device, ...], pids: set[int], name: str, code: str | None, words: str
) -> None:
    talk = Talk(Options(Address.of("http://localhost:8000")))
    found = outcome(talk, Gpu(devices=devices), Serving(frozenset(pids), frozenset({name})))
    assert [f.rule for f in found.findings] == ([code] if code else []) and words in found.detail
    assert found.open == (code is None and "RTX" not in found.detail)


def test_who_serves_a_port_of_this_machine() -> None:
    with served(Stub()) as stub:
        here = serving(int(stub.address.rpartition(":")[2]))
    assert os.getpid() in here.pids and here.names


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("shape", NAMES)
def test_the_picture_is_a_png_of_the_shape(color: str, shape: str) -> None:
    data = png(color, shape)
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24]) == (PIXELS, PIXELS)
    at = data.index(b"IDAT") + 4
    rows = zlib.decompress(data[at : at + struct.unpack(">I", data[at - 8 : at - 4])[0]])
    stride = 1 + 3 * PIXELS
    assert len(rows) == PIXELS * stride
    painted = [sum(rows[y * stride + 1 + 3 * x : y * stride + 4 + 3 * x] == bytes(COLORS[color]) for x in range(PIXELS)) for y in range(PIXELS)]
    assert 0.2 < sum(painted) / PIXELS**2 < 0.5 and painted[PIXELS // 2] > 40
    assert (painted[50] < painted[PIXELS // 2]) == (shape != "square")
    assert named(f"It is a {color.upper()} {shape}.", color, shape) == (True, True) and named("an owl", color, shape) == (False, False)


def test_pillow_reads_the_picture_where_it_is_installed() -> None:
    image = pytest.importorskip("PIL.Image")
    import io

    seen = image.open(io.BytesIO(png("blue", "square"))).convert("RGB")
    assert seen.size == (PIXELS, PIXELS) and seen.getpixel((112, 112)) == COLORS["blue"] and seen.getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize(("text", "garbage"), [
    ("!!!!!", True), ("!!!!!!!!!!!!!!!!!!", True), ("the the the the the the the the the", True), ("ab12cd" * 60, True),
    ("5", False), ("...", False), ("1000", False), ("A red circle.", False), ("一个红色的圆", False), ("", False),
    ("one two three four five six seven eight nine ten " * 2, False), ("\ufffd\ufffd\ufffda", True),
])  # fmt: skip
def test_garbage(text: str, garbage: bool) -> None:
    assert is_garbage(text) is garbage


@pytest.mark.parametrize(("text", "why"), [
    ('{"hue": "green", "pieces": 3}', None), ("[1]", "it is not an object"), ('{"hue": "green"}', "`pieces` is missing"),
    ('{"hue": "owl", "pieces": 3}', "`hue` is not one of its values"), ("three", ""), ("[" * 100_000, ""),
    ('{"hue": "green", "pieces": true}', "`pieces` is not an integer"),
    ('{"hue": "green", "pieces": 3, "x": 1}', "it has a key that the schema does not allow: `x`"),
])  # fmt: skip
def test_the_schema_is_checked(text: str, why: str | None) -> None:
    assert violation(text) == why


def test_numbers_of_the_engines() -> None:
    vllm = 'vllm:generation_tokens_total{a="b c",d="}"} 5\nvllm:generation_tokens_total{a="c"} 6.5e1\nvllm:num_requests_running 2\n'
    numbers = parsed(vllm + 'vllm:cache_config_info{num_gpu_blocks="77"} 1\nx NaN\n# comment\nsglang:token_usage 0.5\n')
    assert numbers is not None and counting(numbers) == {"vllm:generation_tokens_total": 70.0}
    assert numbers["num_gpu_blocks"] == 77 and cache_usage(numbers) == 0.5
    assert parsed("<html></html>") is None and parsed("") is None


@pytest.mark.parametrize("row", [r for r in answers().refusals if r.patterns], ids=lambda r: r.code)
def test_every_pattern_is_shown_by_examples(row: Refusal) -> None:
    assert row.examples
    for text in row.examples:
        assert next(known_as(text, row.checks[0] if row.checks else "text"))[0].code == row.code, text
    assert not any(row.match(text) for text in row.counterexamples)


def test_every_code_explains_itself_and_is_there_once() -> None:
    every = [*answers().checks, *answers().refusals]
    assert len({r.code for r in every}) == len({r.name for r in every}) == len(every)
    for row in every:
        assert row.meaning.endswith(".") and row.code.startswith("SRV")
    done = CliRunner().invoke(main, ["explain", "srv161"])
    assert done.exit_code == 0 and "quantization" in done.stdout


def test_a_hostile_text_takes_no_time() -> None:
    began = time.process_time()
    for text in ("litellm.InternalServerError" * 2000, "image " * 8000, "content" * 6000, "exceeds the available " * 2000):
        for check in ("text", "image", "schema"):
            list(known_as(text[:40_000], check))
    assert time.process_time() - began < 5


def test_the_help_names_everything() -> None:
    done = CliRunner().invoke(main, ["probe", "--help"])
    assert done.exit_code == 0 and all(w in done.stdout for w in ("--api-key-env", "--quiet", "--skip", "--model"))


def test_a_login_does_not_go_where_it_was_not_meant_to() -> None:
    with served(Stub()) as stub:
        secure = stub.address.replace("http://", "https://owl:secret-word@")
        data = said(secure)
    assert codes(data) == ["SRV104"] and "secret-word" not in json.dumps(data)
    assert not any("Authorization" in headers for _, headers, _ in stub.asked)


def test_an_answer_in_crumbs_takes_little_memory() -> None:
    tally = Tally()
    for _ in range(200_000):
        tally.add(b"x")
    pieces = tally.pieces()
    assert sum(len(p.data) for p in pieces) == 200_000 and len(pieces) < 20_000


def test_what_a_server_says_does_nothing_to_a_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202eowl"
    models = lambda h: h.json({"data": [{"id": evil, "owned_by": evil}]})  # noqa: E731
    acts = {"models": models, "text": lambda h: h.says(evil), "image": refuses(400, f"{evil} owls\n\x1b[1A")}
    with served(Stub(acts)) as stub:
        shown = [run(stub.address, *more).stdout for more in ((), ("--quiet",), ("--format", "brief"), ("--format", "json"))]
    assert not any(sign in text for text in shown for sign in ("\x1b", "\x07", "\u202e")) and "owl" in shown[0]
