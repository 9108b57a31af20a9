"""`CMD [""]` of a Dockerfile gives the server an empty word, which names nothing."""

from __future__ import annotations

from pathlib import Path

from tests.deployment.conftest import judged, written


def test_an_empty_word_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "start.sh").write_text('exec python3 -m vllm.entrypoints.openai.api_server --model Qwen/Qwen2.5-VL-3B-Instruct "$@"\n')
    text = 'FROM vllm/vllm-openai:v0.11.0\nCOPY start.sh start.sh\nENTRYPOINT ["/bin/bash", "start.sh"]\nCMD [WORD]\n'
    for word, many in (('""', 0), ('"Qwen/Qwen2-VL-2B-Instruct"', 1)):
        report = judged(requirements=(str(written(tmp_path, text.replace("WORD", word), "Dockerfile")),))
        assert sum(f.rule == "CMD017" for f in report.findings) == many
