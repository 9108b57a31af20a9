"""Images, Dockerfiles and compose files."""

from __future__ import annotations

import time

import pytest

from doctor.collect.python.target import TargetError
from doctor.matrix.images import image
from tests.declared.conftest import Write, facts_of, judge, messages, problems, status, versions


@pytest.mark.parametrize(
    ("reference", "version", "cuda"),
    [
        ("vllm/vllm-openai:v0.11.0", "0.11.0", None),
        ("docker.io/vllm/vllm-openai:v0.20.2", "0.20.2", "13.0"),
        ("vllm/vllm-openai:v0.20.2-cu129", "0.20.2", "12.9"),
        ("vllm/vllm-openai:v0.19.1-cu130", "0.19.1", "13.0"),
        ("mirror.example:5000/hub/openmmlab/lmdeploy:v0.11.1-cu12.8", "0.11.1", "12.8"),
        ("openmmlab/lmdeploy:v0.9.2-cu12", "0.9.2", "12.4"),
        ("openmmlab/lmdeploy:v0.15.0-cu12", "0.15.0", "12.6"),
        ("openmmlab/lmdeploy:v0.4.2", "0.4.2", "11.8"),
        ("lmsysorg/sglang:v0.5.3.post1-cu129", "0.5.3.post1", "12.9"),
        ("vllm/vllm-openai:latest", None, None),
        ("vllm/vllm-openai@sha256:00", None, None),
        ("vllm/vllm-openai:nightly-0123abc", None, None),
        ("pytorch/pytorch:2.4.0-cuda12.1-cudnn9-devel", "2.4.0", "12.1"),
        ("python:3.11-slim", "3.11", None),
    ],
)
def test_what_a_tag_tells(reference: str, version: str | None, cuda: str | None) -> None:
    found = image(reference)
    assert found is not None and (found.version, found.cuda) == (version, cuda)


def test_repositories_that_nobody_told_us_of_are_open() -> None:
    assert image("someone/vllm-openai:v0.11.0") is None
    facts = facts_of(image="registry.example/team/serving:2026-11")
    assert versions(facts) == {} and "does not say what is in it" in problems(facts)[0]
    assert status(judge(facts), "ENG006") == "open"


def test_an_image_brings_what_its_engine_pins() -> None:
    facts = facts_of(image="vllm/vllm-openai:v0.20.2")
    assert versions(facts)["torch"] == "2.11.0+cu130"
    assert facts.launch.engine == "vllm", "the image's own entrypoint"  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["vllm/vllm openai", "", "-x", "a:b\x1b[0m", "$(reboot)"])
def test_a_reference_that_is_none_is_one_clear_error(text: str) -> None:
    with pytest.raises(TargetError):
        facts_of(image=text or " ")


DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG PY=3.11
FROM python:${PY}-slim AS builder
RUN pip wheel nothing==1.0

FROM python:${PY}-slim AS base
ARG LMDEPLOY=0.11.1
ENV TF=4.38.2 OTHER="two words"
RUN --mount=type=cache,target=/root/.cache apt-get update && \\
    python3 -m pip install --no-cache-dir -i https://mirror.example/simple \\
        "lmdeploy==${LMDEPLOY}" "transformers==${TF}" && rm -rf /tmp/x
COPY reqs/serving.txt /opt/app/
RUN pip3 install -r /opt/app/serving.txt; echo transformers==9.9.9

FROM base
RUN <<EOF
set -e
uv pip install --system peft==0.13.2
EOF
ENTRYPOINT ["lmdeploy", "serve", "api_server"]
CMD ["Qwen/Qwen-VL-Chat", "--server-port", "8080"]
"""


def test_a_dockerfile_in_stages(write: Write) -> None:
    facts = facts_of(write(Dockerfile=DOCKERFILE, serving__txt="tokenizers==0.15.2\n"))
    found = versions(facts)
    wanted = {"lmdeploy": "0.11.1", "transformers": "4.38.2", "tokenizers": "0.15.2", "peft": "0.13.2"}
    assert {k: found.get(k) for k in wanted} == wanted
    assert "nothing" not in found, "a stage that the last one is not made from"
    assert facts.target.python == "3.11"
    assert facts.launch.argv[:4] == ("lmdeploy", "serve", "api_server", "Qwen/Qwen-VL-Chat")  # type: ignore[union-attr]
    assert any("ImagesKwargs" in m and "4.42.0" in m for m in messages(judge(facts), "ENG001"))


def test_a_dockerfile_by_another_name_is_known_by_its_content(write: Write) -> None:
    path = write(build__txt="FROM vllm/vllm-openai:v0.11.0\nRUN pip install transformers==4.57.3\n")
    assert versions(facts_of(path))["transformers"] == "4.57.3"


def test_a_file_that_the_build_context_lacks_is_said(write: Write) -> None:
    facts = facts_of(write(Dockerfile="FROM python:3.12\nRUN pip install -r /req/gone.txt\n"))
    assert any("gone.txt" in p for p in problems(facts))


def test_a_later_line_replaces_what_the_image_brought(write: Write) -> None:
    path = write(Dockerfile="FROM vllm/vllm-openai:v0.11.0\nRUN pip install torch==2.9.0\n")
    assert versions(facts_of(path))["torch"] == "2.9.0"


COMPOSE = """\
x-common: &common
  environment: {HF_HOME: /cache}
services:
  cache: {image: "redis:7"}
  vlm:
    <<: *common
    image: ${REGISTRY:-docker.io}/vllm/vllm-openai:${TAG:?say which}
    command: >
      --model ${MODEL-Qwen/Qwen2-VL-7B-Instruct} --max-model-len 4096
    environment:
      - API_KEY=sk-aaaaaaaaaaaaaaaaaaaaaaaa
      - VLLM_LOGGING_LEVEL
    deploy: !reset null
  built:
    build: {context: ./app, dockerfile: serve.dockerfile, args: {TF: "5.0.0"}}
    entrypoint: ["lmdeploy"]
    command: ["serve", "api_server", "/models/q"]
"""
APP = "ARG TF\nFROM openmmlab/lmdeploy:v0.11.1-cu12\nARG TF\nRUN pip install transformers==$TF\n"


def test_a_service_with_variables(write: Write) -> None:
    path = write(compose__yaml=COMPOSE)
    write(__env="# the release\nTAG=v0.11.0\n")
    facts = facts_of(compose=str(path), service="vlm")
    assert versions(facts)["vllm"] == "0.11.0"
    words = facts.launch.argv  # type: ignore[union-attr]
    assert words[-4:] == ("--model", "Qwen/Qwen2-VL-7B-Instruct", "--max-model-len", "4096")
    assert facts.launch.engine == "vllm"  # type: ignore[union-attr]
    assert "sk-aaaa" not in repr(facts)
    newer = facts_of(compose=str(path), service="vlm", environ={"TAG": "v0.20.2"})
    assert versions(newer)["vllm"] == "0.20.2", "the shell comes before the file"


def test_a_service_that_is_built(write: Write) -> None:
    path = write(compose__yaml=COMPOSE, app_in_serve__dockerfile=APP)
    facts = facts_of(compose=str(path), service="built")
    assert versions(facts)["transformers"] == "5.0.0"
    assert any("is_safetensors_available" in m for m in messages(judge(facts), "ENG001"))
    assert facts.launch.engine == "lmdeploy"  # type: ignore[union-attr]


def test_what_a_shell_installs_before_it_serves(write: Write) -> None:
    text = """\
services:
  vlm:
    image: lmsysorg/sglang:v0.5.3-cu129
    entrypoint: ["/bin/bash", "-lc"]
    command:
      - |
        pip install -U "transformers==4.46.1" && echo pip install nothing==1
        exec python3 -m sglang.launch_server --model-path Qwen/Qwen2-VL-7B-Instruct
"""
    facts = facts_of(compose=str(write(compose__yaml=text)))
    found = versions(facts)
    assert found["transformers"] == "4.46.1" and "nothing" not in found
    assert facts.launch.engine == "sglang"  # type: ignore[union-attr]
    assert any("`sglang 0.5.3`" in m and "transformers" in m for m in messages(judge(facts), "ENG001"))


def test_a_variable_without_value_is_said(write: Write) -> None:
    """`${TAG:?say which}` stops Compose itself; without the question mark the variable counts as empty."""
    with pytest.raises(TargetError, match="requires the variable `TAG`, which is not set here: say which"):
        facts_of(compose=str(write(compose__yaml=COMPOSE)), service="vlm")
    facts = facts_of(compose=str(write(compose__yaml=COMPOSE.replace(":?say which", ""))), service="vlm")
    assert "vllm" not in versions(facts) and any("`TAG`" in p for p in problems(facts))


BOMB = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n  k{n}: v\n" for n in range(1, 12)
)
NESTED = "b0: &b0 [x]\n" + "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: [a, b]", "no `services`"),
        ("just words", "no `services`"),
        ("services: {a: {image: x}, b: {image: y}}", "choose one with `--service`"),
        ("services: {a: {ports: []}}", "neither `image` nor `build`"),
        ("services: !!python/object/apply:os.system ['true']", "is not valid YAML"),
        ("services: {a: {image: [", "is not valid YAML"),
        ("[" * 50_000, "is not valid YAML"),
        (BOMB + "services: {a: {image: x}}", "is not valid YAML"),
        ("services: {a: {extends: {file: other.yaml, service: b}}}", "other.yaml.*cannot be read"),
        ("x" * 300_000, "more than the"),
    ],
    ids=range(10),
)
def test_hostile_compose_files_are_one_clear_error(write: Write, text: str, said: str) -> None:
    path = write(compose__yaml=text)
    began = time.monotonic()
    with pytest.raises(TargetError, match=said) as error:
        facts_of(compose=str(path))
    assert time.monotonic() - began < 10 and "\n" not in str(error.value) and len(str(error.value)) < 600


def test_lists_that_multiply_are_never_walked(write: Write) -> None:
    path = write(compose__yaml=NESTED + "services: {a: {image: 'python:3.11', command: *b11, environment: *b11}}")
    began = time.monotonic()
    facts_of(compose=str(path))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "text",
    [
        "", "RUN pip install x==1\n", "FROM\n", "FROM $(id)\n", "FROM a AS a\nFROM a\n",
        "FROM x\nRUN pip install " + " " * 200_000 + "'\n" + "RUN <<A <<B <<" * 5000,
        "FROM x\nENV A=" + "${A:-" * 20_000 + "\nRUN " + "pip install && " * 20_000 + "\n",
        "FROM x\n" + "ARG A=$A$A\n" * 40,
    ],
    ids=range(8),
)  # fmt: skip
def test_hostile_dockerfiles_are_errors_or_open(write: Write, text: str) -> None:
    path = write(Dockerfile=text)
    began = time.monotonic()
    try:
        facts = facts_of(path)
    except TargetError as error:
        assert "\n" not in str(error)
    else:
        assert problems(facts)
    assert time.monotonic() - began < 10
