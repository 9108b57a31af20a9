"""Headlines in the user's language: the verdict, its first cause and the way out.

English is the text of the code itself. Other languages are gettext catalogs (`*.po` next to this file), read only when
one of them is chosen. Codes, evidence, commands and names stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

LANGUAGES = {"en": "", "zh": "zh_CN", "ja": "ja", "fr": "fr"}
SETTINGS = ("LC_ALL", "LC_MESSAGES", "LANG")  # in the order in which they count
_OTHER_SCRIPTS = ("tw", "hk", "mo", "hant")  # of Chinese: the catalog is in simplified characters
_chosen: ContextVar[str] = ContextVar("language", default="en")


def use(language: str) -> None:
    """Makes this the language of what follows. Raises KeyError for one that has no catalog."""
    _ = LANGUAGES[language]
    _chosen.set(language)


def current() -> str:
    """The language in use, `en` where none was chosen."""
    return _chosen.get()


def of_environment(environ: Mapping[str, str]) -> str:
    """The language that the locale's variables name, `en` for all that have no catalog."""
    said = next((environ[name] for name in SETTINGS if environ.get(name)), "").lower()
    name, _, rest = said.replace("-", "_").partition("_")
    name = name.partition(".")[0]
    if name == "zh" and rest.partition(".")[0] in _OTHER_SCRIPTS:
        return "en"
    return name if name in LANGUAGES else "en"


def say(template: str, **values: object) -> str:
    """A sentence with its values filled in: `say("{subject} will fail: {counts}.", subject=..., counts=...)`."""
    if current() != "en":
        from doctor.report.language.catalog import catalog

        template = catalog(LANGUAGES[current()]).gettext(template)
    return template.format(**values)


def say_count(count: int, one: str, many: str, **values: object) -> str:
    """The same for a number of things: `say_count(2, "{count} error", "{count} errors")`."""
    template = one if count == 1 else many
    if current() != "en":
        from doctor.report.language.catalog import catalog

        template = catalog(LANGUAGES[current()]).ngettext(one, many, count)
    return template.format(count=f"{count:,}", **values)


def listed(parts: list[str]) -> str:
    """Parts with the language's comma between them."""
    return {"zh": "，", "ja": "、"}.get(current(), ", ").join(parts)
