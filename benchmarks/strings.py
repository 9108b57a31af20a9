"""Every text that a person can see, one a line, with where it is written: for reading them all at one sitting.

    python benchmarks/strings.py [--messages] [--rendered] [--longest N]

`--messages` leaves out pages, explanations and the help of commands. `--rendered` prints the findings of all scenarios
below tests/scenarios, with their values filled in, each wording once. `--longest` sorts by length and prints N of them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
VALUE = re.compile(r"`[^`]*`|\d[\d.,]*")


def written(messages: bool) -> Iterator[tuple[str, str]]:
    """The texts in code, data and pages."""
    from tests.sentences import everything

    for said in everything():
        if said.message or not messages:
            yield said.where, " ".join(said.text.split())


def rendered() -> Iterator[tuple[str, str]]:
    """The findings of the scenarios; of those that differ in values alone the first one."""
    import yaml

    from doctor.facts.codec import facts_from_json
    from doctor.pipeline import answered, judge

    seen = set[tuple[str, str]]()
    for path in sorted((ROOT / "tests" / "scenarios").glob("*/*.yaml")):
        facts = yaml.safe_load(path.read_text(encoding="utf-8"))["facts"]
        facts.setdefault("target", {"kind": "installed", "why": "scenario", "python": "3.10.12"})
        for finding in answered(judge(facts_from_json(facts))).findings:
            wording = finding.rule, VALUE.sub("", finding.message)
            if wording not in seen:
                seen.add(wording)
                yield f"{finding.rule} {finding.severity}", finding.message


def main() -> None:
    """Prints the list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", action="store_true")
    parser.add_argument("--rendered", action="store_true")
    parser.add_argument("--longest", type=int)
    asked = parser.parse_args()
    found = list(rendered() if asked.rendered else written(asked.messages))
    if asked.longest:
        found = sorted(found, key=lambda pair: -len(pair[1]))[: asked.longest]
    for where, text in found:
        print(f"{len(text):4} {where}\t{text}")


if __name__ == "__main__":
    main()
