"""`run` reads what a server logs about its memory, and the next check of the same launch on this machine uses it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from doctor_run import PYTHON, ROOT, Doctor, environment

from doctor.cli import main
from doctor.collect.machine.observed import keep
from doctor.collect.python.target import TargetRequest
from doctor.derived.case import Case
from doctor.derived.memory.launched import expected, key_of
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.facts import Model, Observed
from doctor.pipeline import Request
from doctor.pipeline.collecting import collect
from doctor.run.story.figures import observed

GIB = 1 << 30
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"
CONFIG = {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944,
    "num_attention_heads": 28, "num_key_value_heads": 4, "num_hidden_layers": 28, "vocab_size": 152064,
    "max_position_embeddings": 32768, "torch_dtype": "bfloat16", "tie_word_embeddings": False,
}  # fmt: skip
CARD = {"name": "NVIDIA L40S", "capability": "8.9", "total": 47677177856, "free": 47000000000, "uuid": "GPU-00000000-1",
        "bus": "00000000:01:00.0"}  # fmt: skip
LOG = {
    "vllm": """INFO 10-08 06:08:06 [gpu_model_runner.py:2653] Model loading took {w} GiB and 3.146187 seconds
INFO 10-08 06:08:14 [gpu_worker.py:298] Available KV cache memory: {kv} GiB
INFO 10-08 06:08:14 [kv_cache_utils.py:1087] GPU KV cache size: {tokens:,} tokens
INFO 10-08 06:08:14 [kv_cache_utils.py:1091] Maximum concurrency for 32,768 tokens per request: {many}x
INFO:     Application startup complete.
INFO 10-08 06:09:14 [gpu_worker.py:298] Available KV cache memory: 1.00 GiB
""",
    "sglang": """[2025-10-08 06:07:53] Load weight end. type=Qwen2ForCausalLM, dtype=torch.bfloat16, avail mem=29.1 GB, mem usage={w} GB.
[2025-10-08 06:07:54] KV Cache is allocated. #tokens: {tokens}, K size: {half} GB, V size: {half} GB
[2025-10-08 06:07:58] max_total_num_tokens={tokens}, chunked_prefill_size=4096, max_prefill_tokens=16384, max_running_requests=2048, context_len=32768, available_gpu_mem=7.11 GB
[2025-10-08 06:08:00] The server is fired up and ready to roll!
""",
    "lmdeploy": """[TM][INFO] [BlockManager] block_size = 3.500 MB
[TM][INFO] [BlockManager] max_block_count = {blocks}
INFO:     Uvicorn running on http://0.0.0.0:23333 (Press CTRL+C to quit)
""",
}  # fmt: skip
SERVE = {"vllm": ("0.11.0", ["serve"]), "sglang": ("0.5.3", ["serve"]), "lmdeploy": ("0.10.1", ["serve", "api_server"])}


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a machine with one GPU: the stub of NVML, and what it answers."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler to build the stub of NVML")
    folder = tmp_path_factory.mktemp("nvml")
    stub = ROOT / "tests/collect/stub_nvml.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(folder / "libnvidia-ml.so.1"), str(stub)], check=True)
    lines = ["driver=580.95.05", "cuda=13000", "count=1", *(f"0.{k}={v}" for k, v in CARD.items())]
    (folder / "scenario").write_text("\n".join(lines) + "\n")
    return {"QVL_DOCTOR_NVML": str(folder), "NVML_STUB": str(folder / "scenario")}


class Machine:
    """A home, a model and an engine whose command only writes the lines of a log."""

    def __init__(self, home: Path, engine: str, driver: dict[str, str]) -> None:
        self.home, self.engine = home, engine
        version, self.sub = SERVE[engine]
        self.env = environment(XDG_STATE_HOME=str(home / "state"), XDG_CACHE_HOME=str(home / "cache"), **driver)
        self.model = home / "model"
        self.model.mkdir()
        (self.model / "config.json").write_text(json.dumps(CONFIG))
        self.command = str(self._engine(version))

    def _engine(self, version: str) -> Path:
        env = self.home / "env"
        site = env / "lib/python{}.{}/site-packages".format(*sys.version_info[:2])
        info = site / f"{self.engine}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(METADATA.format(self.engine, version))
        python = Path(PYTHON).resolve()
        (env / "pyvenv.cfg").write_text(f"home = {python.parent}\nversion = {sys.version.split()[0]}\n")
        (env / "bin").mkdir()
        (env / "bin/python").symlink_to(python)
        command = env / "bin" / self.engine
        command.write_text(f"#!{env}/bin/python\nprint(open({str(self.home / 'said')!r}).read())\nimport time\ntime.sleep(1.5)\n")
        command.chmod(0o755)
        return command

    @property
    def words(self) -> list[str]:
        """The launch command."""
        named = ["--model-path", str(self.model)] if self.engine == "sglang" else [str(self.model)]
        return [self.command, *self.sub, *named]

    def run(self, **figures: Any) -> str:
        """What `run` says while the server writes a log with these figures."""
        (self.home / "said").write_text(LOG[self.engine].format(**figures))
        done = Doctor(self.home / "logs").run(self.words, "--force", env=self.env)
        assert done.returncode == 0, done.stdout.decode()
        return done.stdout.decode()

    def ask(self, *words: str) -> str:
        """The stdout of another command of ours."""
        done = CliRunner().invoke(main, words, env=self.env)
        assert done.exit_code in (0, 1), done.output
        return done.stdout

    def check(self, *more: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
        """The memory of the answer of `check`."""
        answer = json.loads(self.ask("check", "--offline", "--format", "json", *options, "--", *self.words, *more))
        memory: dict[str, Any] = answer["memory"]
        return memory

    def remember(self, seen: Observed) -> Path:
        """Keeps these figures as those of this launch, and returns the file."""
        key = key_of(collect(Request(TargetRequest(), launch=tuple(self.words))))
        assert key is not None and keep(key, seen)
        return self.home / f"state/qvl-doctor/memory/{key}.json"


@pytest.fixture
def machine(tmp_path: Path, driver: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Machine]:
    """Becomes a machine with this engine."""

    def make(engine: str) -> Machine:
        made = Machine(tmp_path, engine, driver)
        for name, value in made.env.items():
            monkeypatch.setenv(name, value)
        return made

    return make


def test_the_next_check_uses_what_the_server_logged(machine: Callable[[str], Machine]) -> None:
    here = machine("vllm")
    before = here.check()["per_gpu"]
    said = here.run(w="14.2500", kv="20.00", tokens=374_480, many="11.43")
    assert "GPU memory: weights 14.2 GiB" in said and "KV cache 20.0 GiB (predicted " in said
    memory = here.check("--port", "9000")
    after = memory["per_gpu"]
    assert after["cache"][0] <= 20 * GIB <= after["cache"][1] and after["cache"][1] - after["cache"][0] < GIB / 2
    assert after["tokens"][0] <= 374_480 <= after["tokens"][1] and after["language"] == int(14.25 * GIB)
    assert after["concurrent"][0] <= 11.43 <= after["concurrent"][1]
    assert memory["learned"]["predicted"]["cache"] == before["cache"] and memory["learned"]["cache"] == 20 * GIB
    assert "corrected by what this launch logged here" in here.ask("check", "--offline", "--", *here.words)
    assert here.check(options=("--no-cache",))["per_gpu"] == before
    saved = str(here.home / "facts.json")
    here.ask("facts", "--output", saved, "--", *here.words)
    replayed = [json.loads(here.ask("check", "--facts", saved, "--format", "json", *o))["memory"] for o in ((), ("--no-cache",))]
    assert replayed[0]["per_gpu"] == after and replayed[1]["per_gpu"] == before
    assert here.check("--max-model-len", "8192").get("learned") is None
    shown = here.ask("runs", "show", "--log-dir", str(here.home / "logs"))
    assert "GPU memory, as the server logged it:" in shown and "374,480 tokens (predicted " in shown
    here.ask("runs", "export", "--log-dir", str(here.home / "logs"), "--observation", str(here.home / "data/seen.jsonl"))
    row = json.loads((here.home / "data/seen.jsonl").read_text())
    assert row["true"] == {"weights_gib": 14.25, "kv_gib": 20.0, "tokens": 374480, "concurrency": 11.43, "starts": True}
    assert (row["engine"], row["version"], row["gpu"], row["args"]) == ("vllm", "0.11.0", "NVIDIA L40S", "")
    assert json.loads((here.home / "data/configs/model/config.json").read_text()) == CONFIG
    assert row["predicted"]["kv_gib"][0] == round(before["cache"][0] / GIB, 2)


@pytest.mark.parametrize(("engine", "figures", "tokens", "cache"), [
    ("sglang", {"w": "14.25", "tokens": 400_000, "half": "10.68"}, 400_000, 21.36),
    ("lmdeploy", {"blocks": 6000}, 6000 * 64, 6000 * 3.5 / 1024),
])  # fmt: skip
def test_other_engines_in_their_own_words(
    machine: Callable[[str], Machine], engine: str, figures: dict[str, Any], tokens: int, cache: float
) -> None:
    here = machine(engine)
    (here.home / "log").write_text(LOG[engine].format(**figures))
    seen = observed([here.home / "log"], expected(collect(Request(TargetRequest(), launch=tuple(here.words)))))
    assert seen is not None and seen.tokens == tokens
    here.remember(seen)
    after = here.check()["per_gpu"]
    assert after["tokens"][0] * 0.99 <= tokens <= after["tokens"][1] * 1.01
    assert after["cache"][0] <= cache * GIB <= after["cache"][1]


def test_a_log_cannot_make_fit_what_never_fits(machine: Callable[[str], Machine]) -> None:
    here = machine("vllm")
    (here.model / "config.json").write_text(json.dumps({**CONFIG, "num_hidden_layers": 200}))
    here.remember(Observed(weights=GIB, cache=40 * GIB, tokens=374_480))
    memory = here.check()
    assert memory["per_gpu"]["verdict"] == "never" and "learned" not in memory


def test_what_others_can_write_is_not_believed(machine: Callable[[str], Machine]) -> None:
    here = machine("vllm")
    before = here.check()
    kept = here.remember(Observed(cache=20 * GIB))
    assert kept.stat().st_mode & 0o777 == 0o600 and here.check() != before
    kept.chmod(0o666)
    assert here.check() == before
    kept.chmod(0o600)
    if os.getuid() == 0:
        os.chown(kept, 12345, 12345)
        assert here.check() == before
        os.chown(kept, 0, 0)
    for text in ('{"cache": 9e99}', "[" * 4000, '{"cache": 966367641600}', '{"tokens": 1e400}'):
        kept.write_text(text)
        assert here.check() == before


def test_what_is_expected_does_not_follow_what_was_learned(machine: Callable[[str], Machine]) -> None:
    here = machine("vllm")
    here.remember(Observed(cache=20 * GIB))
    request = Request(TargetRequest(), launch=tuple(here.words))
    facts, plain = collect(request), collect(replace(request, use_cache=False))
    assert isinstance(facts.observed, Observed) and not isinstance(plain.observed, Observed)
    assert expected(facts) == expected(plain) is not None


@pytest.mark.parametrize(
    "seen",
    [
        Observed(weights=GIB // 2, cache=44 * GIB),  # less than a tenth of what is loaded, and more than is left
        Observed(cache=GIB // 100, tokens=1),  # 10 MiB a token
        Observed(cache=39 * GIB), Observed(cache=20 * GIB, tokens=37_448), Observed(tokens=5_000_000),
    ],
    ids=str,
)  # fmt: skip
def test_figures_that_no_server_logs_are_not_learned(machine: Callable[[str], Machine], seen: Observed) -> None:
    here = machine("vllm")
    before = here.check()
    here.remember(seen)
    assert here.check() == before


def test_a_start_that_failed_here_is_what_every_part_of_the_answer_goes_by(machine: Callable[[str], Machine]) -> None:
    """The card it failed on is none that it needs, and each fix leaves the memory that was missing then."""
    here = machine("vllm")
    assert here.check()["per_gpu"]["verdict"] == "fits"
    here.remember(Observed(weights=int(14.25 * GIB), cache=int(-1.5 * GIB), run="20261130T000000Z-1", at="2026-11-30"))
    answer = json.loads(here.ask("check", "--offline", "--format", "json", "--", *here.words))
    (finding,) = [f for f in answer["findings"] if f["code"] == "MEM001"]
    assert answer["memory"]["per_gpu"]["verdict"] == "refused"
    assert all(need["gib"] > 48 for need in answer["memory"]["needs"] if need["count"] == 1)
    assert "1 x 48 GB" not in finding["message"] and "1 x 24 GB" not in finding["message"]
    fixes = [f for f in finding["remediations"] if all(a["kind"] == "set_argument" for a in f["actions"])]
    assert fixes and all("MEM001" not in fix["title"] and "MEM002" not in fix["title"] for fix in fixes)
    names = [{a["name"] for a in fix["actions"]} for fix in fixes]
    assert {"--max-model-len"} not in names, "a shorter request alone does not free what was missing"
    assert not any(f["code"] == "MEM001" for f in json.loads(here.ask(
        "check", "--offline", "--no-cache", "--format", "json", "--", *here.words))["findings"])  # fmt: skip


def test_another_checkpoint_is_judged_by_what_the_run_took_more(machine: Callable[[str], Machine]) -> None:
    """What lies on the card beside the weights lies there for any model of the family."""
    here = machine("vllm")
    facts = collect(Request(TargetRequest(), launch=tuple(here.words)))
    model = facts.model
    assert isinstance(model, Model)
    full = replace(facts, observed=Observed(weights=int(14.25 * GIB), cache=-2 * GIB, run="20261130T000000Z-1", at="2026-11-30"))
    plain, seen = memory_verdict(Case(facts)), memory_verdict(Case(full))
    assert isinstance(plain, MemoryVerdict) and isinstance(seen, MemoryVerdict) and seen.learned is not None
    other = replace(plain.footprint, name="another", split=plain.footprint.split / 2)
    free, burdened = plain.judge(other, plain.settings), seen.judge(other, plain.settings)
    assert plain.fit is not None and seen.fit is not None
    lost = free.cache[1] - burdened.cache[1]
    assert lost == pytest.approx(sum(plain.fit.cache) // 2 + 2 * GIB, rel=0.1)
