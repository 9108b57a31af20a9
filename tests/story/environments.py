"""The environments of the story, laid out from real packages: LMDeploy 0.11.1 with one transformers after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.link.real_packages import CACHE, TIMEOUT, laid_out

PYTHON = "3.11"
BASE = (
    "Jinja2==3.1.6 MarkupSafe==3.0.4 PyYAML==6.0.3 accelerate==1.15.0 addict==2.4.0 annotated-doc==0.0.7 "
    "annotated-types==0.8.0 anyio==4.16.0 certifi==2026.10.18 charset-normalizer==3.5.2 click==8.5.1 fastapi==0.165.0 "
    "filelock==4.2.11 fsspec==2026.9.0 h11==0.16.0 idna==3.20 mmengine-lite==0.10.7 mpmath==1.3.0 networkx==3.6.1 "
    "numpy==2.4.6 openai==3.52.0 openai-harmony==0.0.8 opentelemetry-api==1.45.2 packaging==26.3 partial-json-parser==0.2.1.1.post7 pillow==13.0.0 "
    "platformdirs==4.14.5 prometheus_client==0.26.0 protobuf==7.36.2 psutil==7.2.2 pybase64==1.5.1 pydantic==2.14.3 "
    "pydantic_core==2.50.4 pyzmq==27.3.0 regex==2026.11.15 requests==2.34.2 rich==15.0.0 safetensors==0.8.0 "
    "sentencepiece==0.2.3 shortuuid==1.0.13 sniffio==1.3.1 starlette==1.10.0 sympy==1.14.0 termcolor==3.3.0 "
    "tiktoken==0.14.0 torch==2.13.0 tqdm==4.70.1 typing-inspection==0.4.5 typing_extensions==4.16.0 urllib3==2.8.0 "
    "uvicorn==0.54.0 yapf==0.43.0 einops==0.8.2 fire==0.7.1 cloudpickle==3.1.2 aiohttp==3.14.5 aiosignal==1.4.0 "
    "attrs==26.1.0 frozenlist==1.8.0 multidict==7.2.1 propcache==0.5.4 yarl==1.25.1 aiohappyeyeballs==2.7.1 hf-xet==1.8.0"
)
TRANSFORMERS = {
    "4.38.2": "transformers==4.38.2 tokenizers==0.15.2 huggingface_hub==0.36.2",
    "4.46.1": "transformers==4.46.1 tokenizers==0.20.3 huggingface_hub==0.36.2",
    "4.57.3": "transformers==4.57.3 tokenizers==0.22.2 huggingface_hub==0.36.2",
    "5.0.0": "transformers==5.0.0 tokenizers==0.22.2 huggingface_hub==1.33.0 httpcore==1.0.9 httpx==0.28.1 "
    "typer-slim==0.24.0 shellingham==1.5.4 markdown-it-py==4.3.0 mdurl==0.1.2 Pygments==2.21.0",
}
STREAM_GENERATOR = "transformers-stream-generator==0.0.5"


def built(name: str, pin: str) -> Path:
    """As `laid_out`, for a package that is published as source alone; pip builds it."""
    folder = CACHE / name
    if not (folder / ".complete").exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--no-deps", "--target", str(folder), pin]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
        if done.returncode:
            pytest.skip(f"{pin} could not be built: {done.stderr.strip().splitlines()[-1:]}")
        (folder / ".complete").touch()
    return folder


def environment(transformers: str, *, stream_generator: bool = False) -> list[Path]:
    """Search path entries, first the ones that win."""
    entries = [laid_out(f"story-transformers-{transformers}", TRANSFORMERS[transformers].split(), PYTHON)]
    if stream_generator:
        entries.append(built("story-stream-generator", STREAM_GENERATOR))
    return [*entries, laid_out("story-lmdeploy-0.11.1", ["lmdeploy==0.11.1"], PYTHON),
            laid_out("story-base", BASE.split(), PYTHON)]  # fmt: skip
