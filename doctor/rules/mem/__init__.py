"""Rules on memory: whether weights, KV cache and the rest find room, on the GPUs and while loading."""

from __future__ import annotations

from doctor.rules.mem.mem001_weights_do_not_fit import RULE as MEM001
from doctor.rules.mem.mem002_context_does_not_fit import RULE as MEM002
from doctor.rules.mem.mem003_little_room import RULE as MEM003
from doctor.rules.mem.mem004_loading_memory import RULE as MEM004
from doctor.rules.mem.mem005_too_few_gpus import RULE as MEM005
from doctor.rules.mem.mem006_memory_not_there import RULE as MEM006
from doctor.rules.rule import Rule

MEM_RULES: tuple[Rule, ...] = (MEM001, MEM002, MEM003, MEM004, MEM005, MEM006)
