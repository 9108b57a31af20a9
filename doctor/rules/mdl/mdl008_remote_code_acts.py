"""The model's own code could do this once you allow it to run.

`--trust-remote-code` means that Python files from the model's repository run with all rights of the server: they can
read its secrets and write its files. This note lists where those files reach the network, start programs, write files,
load native libraries or run text as code. Most of it is harmless, such as downloading an image from a URL, but it is
what to look at first. Code that hides what it does is not detected, so the absence of this note proves nothing.

What to do: read the listed lines, and pin the model's revision so that the code cannot change later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.model_files import code_unread, file
from doctor.facts import Model, present
from doctor.findings import Evidence, NotApplicable
from doctor.rules.rule import Rule, Verdict

_WORDS = {
    "network": "accesses the network", "subprocess": "starts programs", "files": "writes or removes files",
    "native": "loads native libraries", "eval": "executes text or loaded data as code",
}  # fmt: skip


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One note that gathers the acts."""
    model: Model = present(case.facts, "model", Model)
    code = model.code
    if code is None or not code.files:
        yield code_unread(model) if code is None else NotApplicable("the model's code is not available")
        return
    if not code.acts:
        return
    kinds = [what for what in _WORDS if any(a.what == what for a in code.acts)]
    counted = Counter(a.what for a in code.acts)
    firsts = {kind: next(a for a in code.acts if a.what == kind) for kind in kinds}
    told = "; ".join(f"{_WORDS[k]} (`{firsts[k].file}:{firsts[k].line}`{_more(counted[k])})" for k in kinds)
    yield rule.finding(
        f"The model's own code {told}",
        key="acts", location=file(model, code.acts[0].file, code.acts[0].line),
        evidence=[Evidence(a.what, a.text, source=f"{a.file}:{a.line}") for a in code.acts[:12]],
    )  # fmt: skip


def _more(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""


RULE = Rule(code="MDL008", name="remote-code-acts", severity="note", check=check, needs=("model",))
