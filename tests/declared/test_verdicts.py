"""What the rules say of pins alone, from the command line inwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from doctor.cli import main
from doctor.facts import Unavailable
from doctor.facts.codec import facts_from_json, to_json
from doctor.matrix import rows
from doctor.matrix.compat import compatibility
from tests.declared.conftest import Write, facts_of, judge, messages, status


@pytest.mark.parametrize(
    ("transformers", "name", "wanted"),
    [("4.38.2", "ImagesKwargs", ">=4.42.0"), ("5.0.0", "is_safetensors_available", "<=4.57.6"), ("4.46.1", None, None),
     ("4.57.3", None, None), ("4.41.2", "ImagesKwargs", ">=4.42.0"), ("4.42.0", None, None)],
)  # fmt: skip
def test_which_transformers_lmdeploy_links_with(write: Write, transformers: str, name: str | None, wanted: str) -> None:
    report = judge(facts_of(write(r__txt=f"lmdeploy==0.11.1\ntransformers=={transformers}\n")))
    found = messages(report, "ENG001")
    assert bool(found) == (name is not None)
    if name is not None:
        assert f"`{name}`" in found[0] and f"`transformers{wanted}`" in found[0]
        (finding,) = (f for f in report.findings if f.rule == "ENG001")
        action = finding.remediations[0].actions[0]
        assert (action.kind, action.package) == ("install", "transformers")
        assert action.specifier == ">=4.42.0,<=4.57.6"
        assert action.direction == ("downgrade" if transformers.startswith("5") else "upgrade")
        other = finding.remediations[1].actions[0]
        assert other.package == "lmdeploy" and other.specifier
        again = judge(facts_of(write(r__txt=f"lmdeploy{other.specifier}\ntransformers=={transformers}\n")))
        assert not messages(again, "ENG001") and not messages(again, "PKG001"), "what is offered works"


def test_what_the_authors_pin_themselves_links() -> None:
    """SGLang pins transformers exactly in most releases: none of these pairs may be called broken."""
    known, pairs = rows.releases("sglang"), 0
    for version in known.versions if known else ():
        lines = (rows.row("sglang", version, "requires") or {})["requires"].get("transformers", [])
        found = compatibility("sglang", version)
        for line in lines:
            clauses = [c for c in Requirement(line).specifier if c.operator == "=="]
            for clause in clauses:
                pairs += 1
                assert found and not [b for b in found.against(clause.version) if b.kind == "derived"], version
    assert pairs > 70


def test_a_pinned_pair_that_the_metadata_excludes(write: Write) -> None:
    report = judge(facts_of(write(r__txt="lmdeploy==0.12.3\ntransformers==4.46.1\n")))
    assert any("requires `transformers>=4.52.0`" in m for m in messages(report, "PKG001"))


def test_what_is_left_open_is_open_and_never_missing(write: Write) -> None:
    report = judge(facts_of(write(r__txt="lmdeploy\ntransformers>=4.40\ntorch\n")))
    assert report.findings == ()
    pinned = judge(facts_of(write(r__txt="lmdeploy==0.11.1\n")))
    assert pinned.findings == ()
    assert status(pinned, "PKG001") == status(pinned, "ENG001") == "open"
    machine = ("PKG004", "PKG005", "IMP001", "LIB001", "GPU001", "SYS002")
    assert {status(pinned, c) for c in machine} == {"notApplicable"}


def test_the_machine_counts_only_where_it_is_named(write: Write) -> None:
    path = str(write(r__txt="vllm==0.20.2\n"))
    run = CliRunner().invoke(main, ["check", "--requirements", path, "--format", "json"])
    assert run.exit_code == 0, run.output
    run = CliRunner().invoke(main, ["check", "--requirements", path, "--driver", "550.54", "--format", "json"])
    found = json.loads(run.output)
    assert run.exit_code == 1 and [f["code"] for f in found["findings"]] == ["GPU002"]
    assert found["target"]["kind"] == "declared"


def test_facts_of_a_declaration_are_saved_and_judged_again(write: Write) -> None:
    facts = facts_of(write(r__txt="lmdeploy==0.11.1\ntransformers==4.38.2\n"))
    again = facts_from_json(json.loads(json.dumps(to_json(facts))))
    assert again == facts and messages(judge(again), "ENG001") == messages(judge(facts), "ENG001")
    assert isinstance(facts.modules, Unavailable) and not facts.distributions.complete  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--requirements", "R", "--python", "python3"], "give one of them"),
        (["--requirements", "gone.txt"], "gone.txt"),
        (["--service", "x"], "--compose"),
        (["--image", "a/b:1", "--compose", "R"], "conflicts with `--compose`"),
        (["--requirements", "R", "--python-version", "snake"], "not a Python version"),
    ],
)
def test_mistakes_of_the_user_are_usage_errors(write: Write, options: list[str], said: str) -> None:
    path = str(write(r__txt="lmdeploy==0.11.1\n"))
    run = CliRunner().invoke(main, ["check", *(path if o == "R" else o for o in options)])
    assert run.exit_code == 2 and said in run.output


def test_a_declared_environment_cannot_be_linked(write: Write) -> None:
    run = CliRunner().invoke(main, ["link", "lmdeploy", "--requirements", str(write(r__txt="lmdeploy==0.11.1\n"))])
    assert run.exit_code == 2 and "no files to link" in run.output


def test_a_model_on_disk_is_judged_with_the_pins(write: Write, tmp_path: Path) -> None:
    config = {
        "architectures": ["QWenLMHeadModel"], "model_type": "qwen", "auto_map": {"AutoConfig": "configuration_qwen.X"},
        "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False},
    }  # fmt: skip
    model = write(model_in_config__json=json.dumps(config)).parent
    path = write(r__txt="lmdeploy==0.11.1\ntransformers==4.46.1\ntransformers-stream-generator==0.0.5\n")
    words = ("lmdeploy", "serve", "api_server", str(model))
    assert not messages(judge(facts_of(path, launch=words)), "ENG004")
    report = judge(facts_of(path, launch=(*words, "--backend", "pytorch")))
    (finding,) = (f for f in report.findings if f.rule == "ENG004")
    action = finding.remediations[0].actions[0]
    assert (action.kind, action.name, action.value) == ("set_argument", "--backend", "turbomind")


def test_a_model_in_the_cache_of_the_hub(write: Write, tmp_path: Path) -> None:
    config = {"architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl"}
    folder = "hub_in_models--Team--Picture-8B"
    write(**{f"{folder}_in_snapshots_in_{'ab' * 20}_in_config__json": json.dumps(config),
             f"{folder}_in_refs_in_main": "ab" * 20 + "\n"})  # fmt: skip
    path = write(r__txt="vllm==0.10.2\ntransformers==4.55.4\n")
    words = ("vllm", "serve", "Team/Picture-8B")
    report = judge(facts_of(path, launch=words, environ={"HF_HOME": str(tmp_path)}))
    assert "vllm>=0.11.0" in messages(report, "ENG003")[0] and messages(report, "ENG002")
    elsewhere = judge(facts_of(path, launch=words, environ={"HF_HOME": str(tmp_path / "empty")}))
    assert status(elsewhere, "ENG003") == status(elsewhere, "ENG002") == "open"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"architectures": 3, "model_type": [], "auto_map": "x"}', "[" * 99999,
                                  '{"quantization_config": {"quant_method": {"a": 1}, "bits": [1]}}'])  # fmt: skip
def test_configurations_that_are_none(write: Write, text: str) -> None:
    model = write(model_in_config__json=text).parent
    path = write(r__txt="lmdeploy==0.11.1\n")
    report = judge(facts_of(path, launch=("lmdeploy", "serve", "api_server", str(model))))
    assert not [r for r in report.results if r.status == "broken"]


def test_chains_and_aliases_without_end_are_read_in_time(tmp_path: Path) -> None:
    import time

    stages = "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(10_000))
    aliases = "x0: &x0 [a,b,c,d,e,f,g,h,i,j]\n" + "".join(
        f"x{n}: &x{n} [{','.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    compose = aliases + "services:\n  a: {image: *x9}\n  b: {image: vllm/vllm-openai:v0.11.0, command: [--model, m]}\n"
    (tmp_path / "Dockerfile").write_text("FROM vllm/vllm-openai:v0.11.0 AS s0\n" + stages)
    (tmp_path / "compose.yml").write_text(compose)
    for option, name in (("--requirements", "Dockerfile"), ("--compose", "compose.yml")):
        began = time.monotonic()
        done = CliRunner().invoke(main, ["check", "--offline", option, str(tmp_path / name)])
        assert done.exit_code in (0, 1, 3, 4), done.output
        assert time.monotonic() - began < 30
