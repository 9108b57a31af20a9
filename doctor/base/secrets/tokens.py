"""Secrets that give themselves away: tokens by their prefix, and the login in a URL."""

from __future__ import annotations

import re
from functools import cache

# bounded, and not after a letter or digit, so that no text can make the search slow
_FAMILIES = (
    r"hf_(?:oauth_|org_)?[A-Za-z0-9]{16,200}|api_org_[A-Za-z0-9]{16,200}|[sr]k[-_][A-Za-z0-9_\-]{16,300}"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|gl(?:pat|dt|rtr?|ptt|cbt|oas|ft|soat|imt|agent|ffct)-[A-Za-z0-9_\-]{16,200}"
    r"|(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}|AIza[A-Za-z0-9_\-]{30,60}|ya29\.[A-Za-z0-9_\-]{20,500}"
    r"|xox[abeoprs]-[A-Za-z0-9\-]{10,300}|xapp-[A-Za-z0-9\-]{10,300}|nvapi-[A-Za-z0-9_\-]{20,200}"
    r"|npm_[A-Za-z0-9]{30,60}|pypi-[A-Za-z0-9_\-]{16,400}|dckr_[a-z]{2,4}_[A-Za-z0-9_\-]{16,100}"
    r"|do[opr]_v1_[a-f0-9]{32,80}|SG\.[A-Za-z0-9_\-]{16,40}\.[A-Za-z0-9_\-]{16,80}|gsk_[A-Za-z0-9]{20,100}"
    r"|r8_[A-Za-z0-9]{20,60}|pplx-[A-Za-z0-9]{20,80}|tgp_v1_[A-Za-z0-9_\-]{20,80}|wandb_v1_[A-Za-z0-9_\-]{20,120}"
    r"|ms-[0-9a-f]{8}-[0-9a-f\-]{20,40}|v\^?[0-9.]{1,4}-[0-9a-f]{40,80}|(?:bot)?\d{8,12}:AA[A-Za-z0-9_\-]{30,40}"
    r"|eyJ[A-Za-z0-9_\-]{8,4000}\.[A-Za-z0-9_\-]{4,8000}\.?[A-Za-z0-9_\-]{0,2000}"
    r"|hv[sbr]\.[A-Za-z0-9_\-]{20,300}|dapi[0-9a-f]{32}(?:-\d)?|AGE-SECRET-KEY-1[A-Z0-9]{40,70}"
    r"|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{32}|ALTAK-?[A-Za-z0-9]{16,40}|GOCSPX-[A-Za-z0-9_\-]{20,40}"
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,120}|whsec_[A-Za-z0-9+/=]{20,80}|xai-[A-Za-z0-9]{40,120}"
    r"|csk-[A-Za-z0-9]{30,80}|tvly-[A-Za-z0-9\-]{20,60}|lsv2_[a-z]{2}_[a-z0-9_]{30,80}|pcsk_[A-Za-z0-9_]{30,100}"
    r"|jina_[A-Za-z0-9_\-]{40,80}|glsa_[A-Za-z0-9_]{30,60}|glc_[A-Za-z0-9+/=]{30,400}|dp\.[a-z]{2,5}\.[A-Za-z0-9]{30,60}"
    r"|lin_api_[A-Za-z0-9]{30,60}|ntn_[A-Za-z0-9]{30,60}|figd_[A-Za-z0-9_\-]{30,60}|AT[AC]TT3[A-Za-z0-9_\-=]{20,250}"
    r"|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|sgp_[A-Za-z0-9_]{36,100}|nfp_[A-Za-z0-9]{30,60}|PMAK-[A-Za-z0-9\-]{40,80}"
    r"|CCIP(?:AT|RJ)_[A-Za-z0-9_]{30,100}|sntry[su]_[A-Za-z0-9+/=_]{40,400}|NRAK-[A-Z0-9]{20,40}|ph[cx]_[A-Za-z0-9]{30,60}"
    r"|pul-[a-f0-9]{40}|rubygems_[a-f0-9]{40,60}|tskey-[a-z]{3,9}-[A-Za-z0-9\-]{16,80}|ops_eyJ[A-Za-z0-9_\-]{40,2000}"
    r"|ABSK[A-Za-z0-9+/=]{60,200}|SK[0-9a-f]{32}"
)


@cache
def tokens() -> re.Pattern[str]:
    """A token of any known family: of hubs, clouds, forges, chats and trackers, and JSON web tokens."""
    return re.compile(rf"(?<![A-Za-z0-9_])(?:{_FAMILIES})")


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
