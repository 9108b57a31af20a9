"""The first cause and the ways out of it, as the language in use has them."""

from __future__ import annotations

import functools

from doctor.base.late import late_pattern
from doctor.findings import Action, Finding, Remediation
from doctor.findings.wording import wording
from doctor.report.language import LANGUAGES, current, say

BETWEEN = {"zh": "；", "ja": "；", "fr": " ; "}
_CODES = r"[A-Z]{3}\d{3}(?:(?:, | and )[A-Z]{3}\d{3})*"
_NOTE = late_pattern(rf"(?P<codes>{_CODES}) (?P<rest>remains?)|(?P<alone>this alone causes) (?P<made>{_CODES})")


def cause(finding: Finding) -> str:
    """What is wrong, in one sentence: the message in English, else the rule's title in the language in use."""
    if current() == "en":
        return finding.message
    title = _titles().get(finding.rule)
    return say(title) if title else finding.message


@functools.cache
def _titles() -> dict[str, str]:
    """The first line of what `explain CODE` prints, for each rule."""
    from doctor.rules import RULES

    return {rule.code: rule.explanation.partition("\n")[0] for rule in RULES}


def way(remediation: Remediation, *, noted: bool = True) -> str:
    """A way out in words, with what it leaves where `noted`."""
    if current() == "en":
        return remediation.text if noted else remediation.title
    steps = BETWEEN[current()].join(_action(action) for action in remediation.actions) or _step(remediation.title)
    return say("{step}; {note}", step=steps, note=_note(remediation.note)) if noted and remediation.note else steps


def _action(action: Action) -> str:
    template, values = wording(action)
    return say(template, **values) if values else _step(template)


def _step(text: str) -> str:
    from doctor.report.language.catalog import step

    return step(LANGUAGES[current()], text)


def _note(text: str) -> str:
    found = _NOTE.fullmatch(text)
    if found is None:
        return text
    if found["alone"]:
        return say("this alone causes {codes}", codes=found["made"].replace(" and ", ", "))
    codes = found["codes"].replace(" and ", ", ")
    return say("{codes} remains" if found["rest"] == "remains" else "{codes} remain", codes=codes)
