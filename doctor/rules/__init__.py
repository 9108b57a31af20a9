"""The rules, bottom-up: the order of the report is the likely order of cause."""

from __future__ import annotations

from doctor.rules.cmd import CMD_RULES, DEPLOYMENT_RULES
from doctor.rules.eng import ENG_RULES
from doctor.rules.gpu import GPU_RULES
from doctor.rules.imp import IMP_RULES
from doctor.rules.lib import LIB_RULES
from doctor.rules.mdl import MDL_RULES
from doctor.rules.mem import MEM_RULES
from doctor.rules.net import NET_RULES
from doctor.rules.pkg import PKG_RULES
from doctor.rules.rule import Rule
from doctor.rules.sys import SYS_RULES

# a parser stops at its options before anything of the model is looked at
RULES: tuple[Rule, ...] = (
    *SYS_RULES, *GPU_RULES, *PKG_RULES, *LIB_RULES, *IMP_RULES, *CMD_RULES, *ENG_RULES, *MDL_RULES, *MEM_RULES,
    *NET_RULES, *DEPLOYMENT_RULES,
)  # fmt: skip
