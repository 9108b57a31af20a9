"""What the rules say of option lines never has a secret's value: in messages, evidence, and titles of ways out."""

from __future__ import annotations

import pytest

from doctor.facts.codec import facts_from_json
from doctor.pipeline import judge

SECRET = "kw93jd02mmf1"


@pytest.mark.parametrize(
    "line",
    [
        ["--hf-tokn", SECRET],
        [f"--hf-tokn={SECRET}"],
        ["--api-kye", SECRET],
        ["--hf-overrides", f"{{api_key:{SECRET}}}"],
        ["--hf-overrides", f"{{'auth': {{'password': '{SECRET}'}}}}"],
        ["--kv-transfer-config", f'{{"kv_port": {{"password": "{SECRET}"}}}}'],
        ["--kv-transfer-config", f'{{"engine_id": ["api_key={SECRET}"]}}'],
        ["--kv-transfer-config.kv_connector_extra_config", f'"api_key={SECRET}"'],
        ["--seed", f"token={SECRET}"],
        ["--runner", f"secret: {SECRET}"],
        ["--quantization-config.ignore", f'{{"client_secret": "{SECRET}"}}'],
    ],
)
def test_no_secret_is_shown(line: list[str]) -> None:
    words = ["vllm", "serve", "Qwen/Q", *line]
    launch = {
        "argv": words,
        "given": words,
        "engine": "vllm",
        "arguments": words[2:],
        "subcommand": ["serve"],
        "program": "vllm",
    }
    where = {"name": "vllm", "key": "vllm", "version": "0.33.0", "location": "/site", "metadata_path": "/site/METADATA"}
    target = {"kind": "installed", "why": "test", "python": "3.10.12"}
    report = judge(facts_from_json({"target": target, "distributions": {"installed": [where]}, "launch": launch}))
    found = [f for f in report.findings if f.rule.startswith("CMD")]
    assert found, "the line is wrong"
    for finding in found:
        said = [finding.message, *(str(e) for e in finding.evidence)]
        said += [r.title for r in finding.remediations]
        assert not [s for s in said if SECRET in s]
