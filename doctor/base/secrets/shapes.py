"""What a value looks like: a word of a program, or something that nobody would make up."""

from __future__ import annotations

from itertools import pairwise

from doctor.base.late import late_pattern

_NOTHING = (
    "none|null|nil|true|false|yes|no|empty|str|string|int|bytes|bool|float|dict|list|tuple|object|optional\\S*|os\\.\\S*|self\\.\\S*|env\\.\\S*|undefined|"
    "unset|unknown|missing|absent|present|n/a|tbd|todo|changeme|redacted|masked|hidden|omitted"
)
_STATES = (
    "disabled?|enabled?|off|on|include|omit|same-origin|required|optional|needed|anonymous|ok|okay|fail(?:ed|ure)?|"
    "pass(?:ed)?|success(?:ful|fully)?|granted|denied|refused|rejected|accepted|valid|invalid|expired|revoked|loaded|"
    "default|auto|automatic|basic|digest|bearer|oauth2?|oidc|jwt|ldap|saml|mtls|kerberos|x509|plain|external|internal|"
    "set|provided|given|configured|supported|unsupported|unchanged|ignored|skipped|done|ready|pending|all|any|local"
)
_PROSE = (
    "not|is|was|are|were|be|has|have|for|from|in|of|the|a|an|to|and|or|with|without|must|should|cannot|can|could|will|"
    "would|please|only|this|that|your|my|use|using|see|found|got|expected|does|do|did|may|if|when|which|at|by|as|what|how|who|its|it|these|those|one|two|they|there|every|each|some|no|"
    "where|why"
)
_REFERENCE = (
    r"\*+|<\S*|\$\S*|\{\{.*|%\(\w+\)s|%\w+%|![A-Za-z]\w*|\.\.\.|[\d_.,]{1,12}|[^\w]+|\{\S*|--?[a-z\-]+|\[?env[:\]]\S*|os\.\S*|"
    r"(?:vault|secret|secretref|env|file|ref|awssm|gcpsm|op|arn:aws:secretsmanager):\S*|"
    r"(?:~|\.{0,2})(?:/[A-Za-z.][A-Za-z._\-]{0,40}){2,12}|[A-Za-z]:[\\/]\S{0,200}"
)
HARMLESS = late_pattern(rf"(?i)^(?:{_NOTHING}|{_STATES}|{_PROSE}|{_REFERENCE})$")
_WORDS = late_pattern(rf"(?i)^(?:{_PROSE})[ \t]")
_CODE = late_pattern(
    r"[A-Z]{2,20}(?:_[A-Z]{2,20}){1,4}$|[A-Za-z_]{1,30}(?:\.[A-Za-z_]{1,30}){1,4}$|[A-Za-z_]+(?:\.[A-Za-z_]+)*[(\[]|[A-Z][a-z]{2,}\d{0,2}(?:[A-Z][a-z]{2,}\d{0,2}){1,8}$"
)  # a constant, a call, a class
_DIGIT, _LETTER = late_pattern(r"\d"), late_pattern(r"[^\W\d_]")
_PIECE = late_pattern(r"[^._\-/]+")
# `Qwen2VLForConditionalGeneration`: words, each with its capital, and short numbers
_NAME = late_pattern(
    r"(?=.{0,400}[a-z]{4})(?:[a-z]{1,40}(?![a-z]))?"
    r"(?:(?:[A-Z]{1,6}(?![A-Z])|\d{1,3}(?!\d))(?:(?:[a-z]{3,40}|or|f|o|n)(?![a-z]))?)+$"
)
LOOKED_AT = 400  # characters of a value that say what it is
SHORTEST, SURELY, SCRAMBLED = 8, 20, 16


def harmless(value: str) -> bool:
    """Whether a value behind a telling label is none: a state (`disabled`), a reference (`${X}`), a sentence."""
    return bool(HARMLESS.match(value[:300].strip()) or _WORDS.match(value) or _CODE.match(value))


def mixed(value: str) -> bool:
    """Letters and digits together, as keys have and words have not."""
    return bool(_DIGIT.search(value) and _LETTER.search(value))


def crafted(value: str) -> bool:
    """A password as people make them up: letters of both cases or signs, and digits."""
    signs = any(not c.isalnum() and c not in "-_./:" for c in value)
    return len(value) > 7 and mixed(value) and (signs or (value != value.lower() and value != value.upper()))


def random_looking(value: str) -> bool:
    """One piece of it is long and mixed; a dotted name with numbers (`blocks.0.attn.qkv.weight`) has none."""
    return any(_random(piece) for piece in _PIECE.findall(value[:LOOKED_AT]))


def _random(piece: str) -> bool:
    if len(piece) < SHORTEST or _NAME.match(piece):
        return False
    if not mixed(piece):
        return len(piece) >= SCRAMBLED and piece.isalpha() and piece.lower() != piece != piece.upper()
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(piece))
    return len(piece) >= SURELY or (changes > 1 and sum(map(str.isdigit, piece)) > 1)  # `Descriptor16` is a word
