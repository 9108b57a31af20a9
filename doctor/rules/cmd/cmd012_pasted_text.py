"""The launch command holds characters from a web page or from Windows that no shell or program understands.

Web pages and chats turn `--` into a dash and straight quotes into typographic ones, and insert special spaces into
commands. A backslash joins a line with the next one only if nothing follows it, not even a space. Paths such as
`D:\\models` mean nothing inside WSL or a container, where the drive is `/mnt/d`.

What to do: retype the character. The corrected command at the end of the report has plain ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.option_findings import argument, shown
from doctor.facts import Launch
from doctor.findings import Evidence, Finding, Location, NotApplicable, Remediation
from doctor.launch.pasted import plain, suspicious, windows_path
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each word with such a character."""
    facts = case.facts
    launch = facts.launch
    if not isinstance(launch, Launch) or launch.engine is None:
        yield NotApplicable("no command that starts an engine")
        return
    words = launch.arguments or launch.argv
    for word in dict.fromkeys(words[:500]):
        if (wrong := suspicious(word)) is not None:
            yield _pasted(rule, word, wrong, _plain(case, word))
        elif (path := windows_path(word)) is not None and "win" not in (facts.target.platform or "linux"):
            yield _windows(rule, word, path)


def _plain(case: Case, word: str) -> str:
    """The plain form; where the release knows the option with another number of hyphens, that one."""
    right, found = plain(word), case.asked
    if right.startswith("-") and isinstance(found, Asked):
        name, equals, value = right.partition("=")
        known = (f"{hyphens}{name.lstrip('-')}" for hyphens in ("-", "--"))
        name = next((n for n in (name, *known) if found.reading.table.option(n)), name)
        return f"{name}{equals}{value}"
    return right


def _pasted(rule: Rule, word: str, wrong: str, right: str) -> Finding:
    title = f"write `{shown(right, 100)}`" if right.strip() else "remove it"
    # the word itself is what is set: it stands for its plain form
    step = argument(word, None) if not right.strip() else argument(word, f"={right}")
    return rule.finding(
        f"`{shown(word, 100)}` {wrong}", key=shown(word, 100), location=Location("argument", shown(word, 100)),
        evidence=[Evidence("word of the command", shown(word, 100), shown(right, 100) or None, "the launch command")],
        remediations=[Remediation(title, (step,), "safe")],
    )  # fmt: skip


def _windows(rule: Rule, word: str, path: str) -> Finding:
    head = word.partition("=")[0] + "=" if word.startswith("-") and "=" in word else ""
    known = path.startswith("/mnt/")
    step = Remediation(f"in WSL, write `{shown(head + path, 200)}`", (argument(word, f"={head}{path}"),),
                       "unsafe" if known else "manual")  # fmt: skip
    return rule.finding(
        f"`{shown(word, 100)}` is a Windows path, which does not exist where the server runs",
        key=shown(word, 100), severity="error", location=Location("argument", shown(word, 100)),
        evidence=[Evidence("word of the command", shown(word, 100), path if known else None, "the launch command")],
        remediations=[step],
    )  # fmt: skip


RULE = Rule(code="CMD012", name="pasted-text", severity="error", check=check, needs=("launch",))
