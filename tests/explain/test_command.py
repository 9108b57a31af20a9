"""The command: codes, logs, standard input, both forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from doctor.cli import main

LOG = "RuntimeError: UVA is not available\n"


def test_a_log_as_json(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text("a line\n" + LOG)
    done = CliRunner().invoke(main, ["explain", str(path), "--format", "json"])
    data = json.loads(done.output)
    assert done.exit_code == 1 and data["schema"] == 1
    first = data["findings"][0]
    assert first["code"] == "RUN631" and first["evidence"][0]["source"] == "line 2" and first["primary"] is True
    assert {"kind": "set_env", "name": "VLLM_WSL2_ENABLE_PIN_MEMORY", "value": "1"} in first["remediations"][0][
        "actions"
    ]
    assert data["summary"]["error"] == len(data["findings"])


def test_standard_input_in_80_columns() -> None:
    done = CliRunner().invoke(main, ["explain", "-"], input=LOG + "\x1b]0;title\x07 error: \x1b[31m[/usr/lib]\n")
    assert done.exit_code == 1 and "RUN631" in done.output
    assert "\x1b" not in done.output and max(map(len, done.output.splitlines())) <= 80


def test_a_run_folder_with_its_parts(tmp_path: Path) -> None:
    (tmp_path / "output.1.log").write_text("a line\n" * 10 + LOG[:9])
    (tmp_path / "output.2.log").write_text(LOG[9:])
    (tmp_path / "report.json").write_text("{}")
    done = CliRunner().invoke(main, ["explain", str(tmp_path), "--format", "json"])
    first = json.loads(done.output)["findings"][0]
    assert first["code"] == "RUN631" and first["evidence"][0]["source"] == "line 11"


def test_a_code() -> None:
    done = CliRunner().invoke(main, ["explain", "run320"])
    assert done.exit_code == 0 and done.output.startswith("RUN320 cuda-oom")


@pytest.mark.parametrize("subject", ["no-such-run", "RUN000"])
def test_what_is_not_there(subject: str) -> None:
    assert CliRunner().invoke(main, ["explain", subject]).exit_code == 2


def test_the_first_way_out_has_its_line_to_paste(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("ImportError: cannot import name 'BeamSearchScorer' from 'transformers' (/opt/e/transformers/__init__.py)\n")
    rows = CliRunner().invoke(main, ["explain", str(log)]).output.splitlines()
    at = next(n for n, row in enumerate(rows) if row.startswith("  fix "))
    assert "<=4.56.2" in rows[at] and rows[at + 1].strip() == "pip install 'transformers<=4.56.2'"
    log.write_text("ModuleNotFoundError: No module named 'qwen_vl_utils'\n")
    assert CliRunner().invoke(main, ["explain", str(log)]).output.count("pip install") == 1
