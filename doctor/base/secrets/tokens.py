"""Secrets that give themselves away: tokens by their prefix, and the login in a URL."""

from __future__ import annotations

import re
from functools import cache

# bounded, and not after a letter or digit, so that no text can make the search slow
_FAMILIES = (
    r"hf_[A-Za-z0-9]{16,200}|api_org_[A-Za-z0-9]{16,200}|[sr]k[-_][A-Za-z0-9_\-]{16,300}"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|gl(?:pat|dt|rt|ptt)-[A-Za-z0-9_\-]{16,200}"
    r"|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|AIza[A-Za-z0-9_\-]{30,60}|ya29\.[A-Za-z0-9_\-]{20,500}"
    r"|xox[abeoprs]-[A-Za-z0-9\-]{10,300}|xapp-[A-Za-z0-9\-]{10,300}|nvapi-[A-Za-z0-9_\-]{20,200}"
    r"|npm_[A-Za-z0-9]{30,60}|pypi-[A-Za-z0-9_\-]{16,400}|dckr_pat_[A-Za-z0-9_\-]{16,100}|dop_v1_[a-f0-9]{32,80}"
    r"|SG\.[A-Za-z0-9_\-]{16,40}\.[A-Za-z0-9_\-]{16,80}|gsk_[A-Za-z0-9]{20,100}|r8_[A-Za-z0-9]{20,60}"
    r"|pplx-[A-Za-z0-9]{20,80}|tgp_v1_[A-Za-z0-9_\-]{20,80}|wandb_v1_[A-Za-z0-9_\-]{20,120}|ms-[0-9a-f]{8}-[0-9a-f\-]{20,40}"
    r"|eyJ[A-Za-z0-9_\-]{8,4000}\.[A-Za-z0-9_\-]{4,8000}\.?[A-Za-z0-9_\-]{0,2000}|\d{8,12}:AA[A-Za-z0-9_\-]{30,40}"
    r"|v\^?[0-9.]{1,4}-[0-9a-f]{40,80}"
)


@cache
def tokens() -> re.Pattern[str]:
    """A token of any known family: of hubs, clouds, forges, chats and trackers, and JSON web tokens."""
    return re.compile(rf"(?<![A-Za-z0-9_])(?:{_FAMILIES})")


@cache
def queries() -> re.Pattern[str]:
    """A parameter of a URL: groups `name` and `value`."""
    return re.compile(r"(?<=[?&])(?P<name>[\w.\-]{1,80})=(?P<value>[^&\s#'\"<>]{1,2000})")


@cache
def logins() -> re.Pattern[str]:
    """The login of a URL with everything before it: groups `scheme`, `user` and `password`."""
    return re.compile(
        r"(?P<scheme>[a-z][a-z0-9+.\-]{1,20}://)(?:(?P<user>[^/\s@:\"'<>]{0,256})"
        r"(?::(?P<password>(?!\d{1,5}(?:[/?#]|$))[^\s\"'<>,]{0,512}))?)@(?=[\w\[.\-]|$)", re.I
    )  # fmt: skip


@cache
def hooks() -> re.Pattern[str]:
    """An address that is itself the secret: groups `lead` (the host and what says that it is a hook) and `value`."""
    return re.compile(
        r"(?P<lead>https?://[\w.\-]{1,200}/(?:[\w.\-]{1,40}/){0,4}?"
        r"(?:services|workflows|triggers|webhooks?|webhookb2|hooks?|incoming)/)"
        r"(?P<value>[^\s\"'<>,;)\]}]{16,400})", re.I
    )  # fmt: skip
