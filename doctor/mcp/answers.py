"""The answers to an agent's questions, each a text below 2 kB with secrets hidden. Nothing here knows the protocol."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from doctor import api
from doctor.base.secrets.hide import redact_text
from doctor.mcp.question import Refused, bounds, request
from doctor.report.brief import bounded, log_to_brief, plan_to_brief, report_to_brief

if TYPE_CHECKING:
    from doctor.findings.proposal import Proposal


def check(
    command: str = "", python: str = "", model: str = "", gpu: str = "", driver: str = "", file: str = ""
) -> str:  # fmt: skip
    """Says whether a vision-language model server will start, why not, and what to do. Runs none of its code.

    command: the launch command as a shell line, such as `vllm serve Qwen/Qwen2-VL-7B-Instruct`.
    python: the environment: an interpreter, a venv or a conda prefix; without it, the one behind the command.
    model: a model folder or a name on the hub, where the command does not name one.
    gpu, driver: assume this machine, such as `RTX 4090x2` and `580`, instead of the one that this runs on.
    file: check what a requirements file, lock, Dockerfile, compose file or manifest declares, instead of `python`.
    """
    return redact_text(report_to_brief(api.check(request(command, python, model, gpu, driver, file))))


def plan(
    command: str = "", python: str = "", model: str = "", gpu: str = "", driver: str = "", file: str = ""
) -> str:  # fmt: skip
    """Finds the smallest change of packages and options after which the server starts, and proves it. Changes nothing.

    The parameters are those of `check`. The answer begins with the plan's digest, which `apply` asks for.
    """
    found = api.plan(request(command, python, model, gpu, driver, file))
    return redact_text(bounded([f"digest: {digest(found)}", *plan_to_brief(found).splitlines()]))


def apply(
    command: str = "", python: str = "", model: str = "", gpu: str = "", driver: str = "", confirm: str = ""
) -> str:  # fmt: skip
    """Builds a new environment with the plan's packages next to the old one, which stays as it is. Downloads packages.

    confirm: the digest that `plan` gave for the same parameters; ask the user first. Without it, only says what it
    would do. Where the plan is another one by now, nothing is done.
    """
    from doctor.repair.wheels.prepare import Source

    bounds(confirm=confirm)
    asked = request(command, python, model, gpu, driver)
    found = api.plan(asked)
    if found.plan.conflict or found.plan.undecided or not found.plan.changes:
        return redact_text(bounded(["nothing was applied", *plan_to_brief(found).splitlines()]))
    if confirm != digest(found):
        why = "the plan is another one by now; nothing was applied" if confirm else "nothing was applied yet"
        ask = f"{why}. Show this to the user; if they agree, call again with confirm={digest(found)}"
        return redact_text(bounded([ask, *plan_to_brief(found).splitlines()]))
    done = api.apply(asked, found.plan, Source(), _progress)
    lines = [f"new environment: {done.prefix}", "the old environment is unchanged"]
    return redact_text(bounded([*lines, *(f"remains: {one}" for one in done.remains)]))


def explain(source: str = "", log: str = "") -> str:
    """Explains why a server crashed, from its log, or what a rule's code means.

    source: the path of a log file or of a folder of logs, a run of `qvl-doctor run` (`last`), or a code such as IMP001.
    log: the text of a log or of a bug report itself, instead of a source.
    """
    bounds(source=source, log=log)
    if bool(source) == bool(log):
        raise Refused("give either `source` or `log`")
    if (code := api.code_of(source)) is not None:
        found = api.meaning(code)
        if found is None:
            raise Refused(f"no rule and no known crash has the code {code}")
        return bounded([f"{found.code} {found.name}", *found.explanation.splitlines()])
    if source and Path(source).exists() and not (Path(source).is_file() or Path(source).is_dir()):
        raise Refused("`source` is neither a file nor a folder")
    said = api.explain(io.BytesIO(log.encode("utf-8", "surrogateescape")) if log else source)
    return redact_text(log_to_brief(said.findings, said.stated))


def matrix(engine: str, library: str = "transformers", model: str = "") -> str:
    """Says which releases of an engine work with which releases of a library, newest first.

    engine: a project, or some of its releases: `lmdeploy`, `vllm>=0.11`, `lmdeploy==0.11.1`.
    library: likewise, such as `transformers`.
    model: a model's name on the hub, its family or its architecture.
    """
    from doctor.report.grid.brief import grid_to_brief

    bounds(engine=engine, library=library, model=model)
    return bounded(grid_to_brief(api.grid(engine, library, model or None)))


def _progress(sentence: str) -> None:
    sys.stderr.write(f"{redact_text(sentence)}\n")  # stdout is the protocol's


def digest(found: Proposal) -> str:
    """What tells one plan from another: where it applies, what it changes, and to what. 16 hexadecimal digits."""
    target, plan = found.before.facts.target, found.plan
    whole = [target.prefix, target.paths, plan.pins, plan.changes, plan.commands]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]
