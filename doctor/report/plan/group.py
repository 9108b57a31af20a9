"""The command of a server that several machines hold together, as each of them runs it."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.matrix.engines import engine_row
from doctor.report.plan.recipe import Recipe

RAY = "/vllm-workspace/examples/online_serving/multi-node-serving.sh"  # in the images of vLLM


@dataclass(frozen=True, slots=True)
class Group:
    """How a machine of the group names its first machine, the number of all and its own number."""

    leader: str
    size: str
    rank: str

    def argv(self, plan: Recipe, words: list[str]) -> list[str]:
        """The command as each machine runs it."""
        row = engine_row(plan.engine)
        if plan.nodes == 1:
            return words
        if executor := row.option("executor"):
            return words if executor in words else [*words, executor, "ray"]
        told = {"group_address": f"{self.leader}:20000", "group_size": self.size, "node_rank": self.rank}
        out = list(words)
        for name, value in ((row.option(meaning), value) for meaning, value in told.items()):
            if name is None or row.option("group_address") is None:
                continue
            if name in out[:-1]:
                out[out.index(name) + 1] = value
            else:
                out += [name, value]
        return out

    def before(self, plan: Recipe) -> str:
        """What the first machine does in its shell before it starts the server."""
        return f"bash {RAY} leader --ray_cluster_size={self.size}; " if by_ray(plan) else ""

    def joining(self) -> list[str]:
        """What the other machines run where Ray brings them together."""
        return ["bash", RAY, "worker", f"--ray_address={self.leader}"]


def by_ray(plan: Recipe) -> bool:
    """Whether Ray brings the machines together; else the engine does so itself."""
    return plan.nodes > 1 and engine_row(plan.engine).option("executor") is not None
