"""What the printed fixes lead to: every fix of every recorded case is carried out on paper, and judged by all rules.

    python benchmarks/remedies.py [--field FOLDER] [--show]

The cases are the saved facts below tests/scenarios; `--field` adds the calls of a folder with `cases.jsonl` (`argv`,
where `{here}` is the folder): `check` is asked for its fixes, `fix --plan` for a plan, and `check` is then asked about
the plan's pins and command, as a user would. Counted are the fixes of errors: those that leave no error, those that
leave some and say which, and those that leave some silently. What nobody can foresee (another model, another engine, a
step for a person) is counted apart. The status is 1 below 90 %, with a silent one, or with a placeholder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))
SCENARIOS = HERE / "tests" / "scenarios"
TARGET = {"kind": "installed", "why": "scenario", "python": "3.10.12"}
CLEAN = 0.9
KINDS = ("compose", "dockerfile", "requirements", "check-report", "plan-report")
Line = tuple[str, str]  # what became of a fix, and a line about it


def main() -> int:
    """Prints the figures; 1 where one is not reached."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--field", type=Path)
    options.add_argument("--show", action="store_true", help="the fixes that leave an error")
    asked = options.parse_args()
    paths = sorted(SCENARIOS.glob("*/*.yaml"))
    right = summary("scenarios", [line for path in paths for line in scenario(path)], asked)
    if asked.field:
        right &= summary("field", field_lines(asked.field.absolute()), asked)
    return int(not right)


def summary(title: str, lines: list[Line], asked: argparse.Namespace) -> bool:
    """Prints how the fixes of one source did; whether that is enough."""
    counts = Counter(kind for kind, _ in lines)
    foreseen = sum(n for kind, n in counts.items() if kind != "not foreseen")
    for kind, line in lines:
        if kind in ("silent", "placeholder") or (asked.show and kind == "announced"):
            print(f"{kind:12} {line}")
    share = counts["clean"] / max(1, foreseen)
    print(f"{title}: {counts['clean']} of {foreseen} fixes leave no error ({share:.1%}); {dict(counts)}")
    return share >= CLEAN and not counts["silent"] and not counts["placeholder"]


def scenario(path: Path) -> Iterator[Line]:
    """The fixes of one scenario."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))["facts"]
    yield from judged(f"{path.parent.name}/{path.stem}", {"target": TARGET, **data})


def judged(name: str, data: dict[str, Any]) -> Iterator[Line]:
    """What becomes of each fix of the errors that these facts have."""
    from doctor.facts.codec import facts_from_json
    from doctor.pipeline import answered, judge
    from doctor.plan.outcome import foreseen, left_errors, new_errors, touched_by

    report = answered(judge(facts_from_json(data)))
    for finding in (f for f in report.findings if f.severity == "error"):
        for way in finding.remediations:
            line = f"{name}: {finding.rule}: {way.title}"
            facts = foreseen(report.facts, way.actions)
            nameless = any(a.kind == "install" and not a.package for a in way.actions)
            if nameless or way.title.endswith(" to "):
                yield "placeholder", line
            elif facts is None:
                yield "not foreseen", line
            else:
                after, touched = judge(facts), touched_by(report.facts, facts, way.actions)
                left = {f.rule for f in (*left_errors(report, after, touched), *new_errors(report, after, touched))}
                silent = [code for code in left if code not in way.title]
                yield "silent" if silent else "announced" if left else "clean", f"{line} leaves {sorted(left)}"


def doctor(*words: str, cwd: Path) -> dict[str, Any]:
    """The JSON that the command line of this checkout prints; empty where it prints none."""
    environ = {**os.environ, "PYTHONPATH": str(HERE)}
    command = [sys.executable, "-m", "doctor", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=cwd, timeout=600)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {}
    return answer


def field_lines(folder: Path) -> list[Line]:
    """The fixes of the calls of `check`, and the plans of those of `fix --plan`."""
    cases = [json.loads(line) for line in (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda case: list(field_case(folder, case)), [c for c in cases if c["kind"] in KINDS])
        return [line for lines in found for line in lines]


def field_case(folder: Path, case: dict[str, Any]) -> Iterator[Line]:
    """One call, its fixes judged on the facts that it was answered from."""
    verb, *words = (word.replace("{here}", str(folder)) for word in case["argv"])
    cwd = folder / case.get("cwd", "")
    if verb == "check":
        facts = doctor("facts", *words, cwd=cwd)
        yield from judged(case["id"], facts) if "target" in facts else ()
    elif verb == "fix":
        plan = doctor(verb, *words, "--format", "json", cwd=cwd).get("plan") or {}
        if plan.get("pins") and "--requirements" in words:
            yield planned(case["id"], words, plan, cwd)


def planned(name: str, words: list[str], plan: dict[str, Any], cwd: Path) -> Line:
    """What `check` says of the plan's pins and command."""
    with tempfile.TemporaryDirectory(prefix="qvl-remedies-") as scratch:
        file = Path(scratch, "requirements.txt")
        file.write_text("".join(f"{n}=={v}\n" for n, v in plan["pins"].items()), encoding="utf-8")
        before = [w for w in words[: words.index("--")] if w != "--plan"]
        before[before.index("--requirements") + 1] = str(file)
        launch = plan.get("launch") or words[words.index("--") + 1 :]
        said = doctor("check", *before, "--format", "json", "--", *launch, cwd=cwd)
    left = sorted({f["code"] for f in said.get("findings", []) if f["severity"] == "error"})
    known = [code for code in left if code in (plan.get("remains") or ())]
    return "clean" if not left else "announced" if known == left else "silent", f"{name}: the plan leaves {left}"


if __name__ == "__main__":
    raise SystemExit(main())
