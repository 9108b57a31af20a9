"""A helper package that this model needs is missing, or does not match the transformers release.

Some models need packages that no engine requires by itself: LMDeploy imports `qwen_vl_utils` for Qwen2-VL only when the
first image arrives, and the code that ships with the weights of Qwen-VL imports `transformers_stream_generator`. Such a
package must also match the transformers release: `transformers_stream_generator` imports names that transformers
dropped after 4.56.2, and weights quantized by GPTQ are loaded through `auto-gptq` by older releases of transformers and
through `gptqmodel` by newer ones. What an engine's module for the architecture imports is read from its wheels.

What to do: install the helper named in the message, or the transformers release that matches it.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.text import one_line
from doctor.derived.case import Case
from doctor.derived.engine import SOURCE, Chosen
from doctor.derived.packages.helpers import needed
from doctor.derived.packages.other_releases import other_release
from doctor.facts import Distributions, Model, Unavailable, present
from doctor.findings import Action, Evidence, Finding, Location, Open, Remediation
from doctor.launch.options import model_word, setting
from doctor.matrix.compat import compatibility
from doctor.matrix.helpers import helpers
from doctor.rules.rule import Rule, Verdict

COMPARED = ("transformers-stream-generator", "auto-gptq", "autoawq", "optimum", "peft", "qwen-vl-utils", "timm")
LOADING = ("auto-gptq", "gptqmodel")  # the rows are read only where one of them is here


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each helper that is missing, that does not link, or that transformers does not look for."""
    facts = case.facts
    distributions: Distributions = present(facts, "distributions", Distributions)
    if isinstance(facts.model, Unavailable) and facts.model.reason not in ("not_requested", "not_supported"):
        yield Open(f"which packages the model needs is not known: {facts.model.detail or facts.model.reason}")
    if isinstance(facts.model, Model):
        for chosen in case.engine:
            if not chosen.row("imports"):
                yield Open(f"the data does not say what the modules of {chosen.shown} import")
            for package, source in needed(chosen, facts.model).items():
                if distributions.get(package) is not None:
                    continue
                if distributions.complete:
                    yield _missing(rule, chosen, package, source)
                elif not any(p.key == package for p in distributions.declared):
                    yield Open(f"the model needs `{package}` ({source}), which no line of the declaration names")
    yield from _asked_for(rule, case, distributions)
    if not distributions.complete:
        yield from _unlinked(rule, case, distributions)
    yield from _loaders(rule, distributions)


def _missing(rule: Rule, chosen: Chosen, package: str, source: str) -> Finding:
    action = Action("install", package=package, direction="install")
    return rule.finding(
        f"`{package}` is not installed, but `{chosen.shown}` imports it for this model",
        key=package, location=Location("distribution", package),
        evidence=[Evidence(package, "not installed", "installed", source)],
        remediations=[Remediation(f"install {package}", (action,), "safe")],
    )  # fmt: skip


def _asked_for(rule: Rule, case: Case, distributions: Distributions) -> Iterator[Verdict]:
    """Packages that an option or a variable of the launch makes the engine import."""
    for chosen in case.engine:
        for row in (r for r in helpers().settings if r.engine == chosen.name):
            value = setting(case.facts, row.name)
            if value is None or value.lower() not in row.values or any(distributions.get(p) for p in row.packages):
                continue
            if row.fetching and not _is_fetched(case):
                continue
            between = " " if row.name.startswith("-") else "="
            given, package = f"{row.name}{between}{one_line(value, 40)}", row.packages[0]
            if not distributions.complete:
                yield Open(f"`{given}` needs `{package}`, which no line of the declaration names")
                continue
            action = Action("install", package=package, direction="install")
            ways = [Remediation(f"install {package}", (action,), "safe")] if len(row.packages) == 1 else []
            yield rule.finding(
                f"`{given}` makes `{chosen.shown}` import `{package}`, which is not installed",
                key=f"{chosen.name}:{row.name}", location=Location("argument", row.name),
                evidence=[Evidence(package, "not installed", "installed", row.source)], remediations=ways,
            )  # fmt: skip


def _is_fetched(case: Case) -> bool:
    """Whether the launch names a model of a hub, of which no folder is known."""
    word, model = model_word(case.facts), case.facts.model
    local = isinstance(model, Model) and model.source != "known"
    return word is not None and not local and not word.startswith(("/", ".", "~"))


def _unlinked(rule: Rule, case: Case, distributions: Distributions) -> Iterator[Finding]:
    """Declared helpers that import what the declared transformers lacks; an error where the model needs them."""
    have = distributions.get("transformers")
    model = case.facts.model if isinstance(case.facts.model, Model) else None
    vital = {p for c in case.engine for p in needed(c, model)} if model else set()
    for name in COMPARED if have else ():
        helper = distributions.get(name)
        found = compatibility(name, helper.version) if helper else None
        broken = [b for b in found.against(have.version) if b.kind == "derived"] if found and have else []
        if not (helper and found and have and broken):
            continue
        module, _, what = broken[0].subject.partition(":")
        yield rule.finding(
            f"`{helper.name} {helper.version}` imports `{what or module}` from `{module}`, which `transformers "
            f"{have.version}` does not have: it needs `transformers{found.derived.spec()}`",
            key=f"{name}:transformers", severity="error" if name in vital else "warning",
            location=Location("distribution", name, helper.metadata_path),
            evidence=[Evidence(b.subject, f"transformers {have.version}", f"transformers{b.releases.spec()}",
                               f"{b.file} of {helper.name} {helper.version}; names {SOURCE}") for b in broken[:4]],
            remediations=other_release("transformers", found.fitting, have.version),
        )  # fmt: skip


def _loaders(rule: Rule, distributions: Distributions) -> Iterator[Finding]:
    """Packages that load quantised weights, of which this transformers knows another one."""
    have = distributions.get("transformers")
    if not any(distributions.get(name) for name in LOADING):
        return
    rows = [(e, s) for e in helpers().loaders if have and (s := e.releases()) is not None]
    for entry, known in rows:
        if have is None or distributions.get(entry.package) is None or known.contains(have.version) is not False:
            continue
        others = [e.package for e, s in rows if e.method == entry.method and s.contains(have.version)]
        if not others or any(distributions.get(o) for o in others):
            continue
        action = Action("install", package=others[0], direction="install")
        yield rule.finding(
            f"`transformers {have.version}` loads `{entry.method}` weights through `{others[0]}`, but only "
            f"`{entry.package}` is installed, which it does not use",
            key=f"{entry.package}:loader", severity="warning", location=Location("distribution", entry.package),
            causes=[f"ENG009:{entry.method}:{others[0]}"],
            evidence=[Evidence(f"{entry.module}:{entry.name}", f"transformers {have.version}",
                               f"transformers{known.spec()}", entry.source)],
            remediations=[Remediation(f"install {others[0]}", (action,), "unsafe"),
                          *other_release("transformers", known, have.version)],
        )  # fmt: skip


RULE = Rule(code="ENG005", name="helper-missing", severity="error", check=check, needs=("distributions",))
