"""What stands in front of the servers: LiteLLM as one OpenAI address, with retries and fail-over."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.base.json_object import JsonObject
from doctor.report.plan.recipe import Recipe, python_probe

PORT = 4000
PLACE = "/etc/litellm.yaml"
MASTER = "LITELLM_MASTER_KEY"
ROUTE = "/health/liveliness"


def settings(plans: Sequence[Recipe]) -> JsonObject:
    """LiteLLM's file. Servers of the same model share its requests; those of other models stand in for it.

    Each server is asked with its own key, if it has one, and the gateway with `LITELLM_MASTER_KEY`.
    """
    groups = list(dict.fromkeys(map(public, plans)))
    routing: JsonObject = {"num_retries": 2, "allowed_fails": 2, "cooldown_time": 30}
    if len(groups) > 1:
        routing["fallbacks"] = [{one: [g for g in groups if g != one]} for one in groups]
    return {
        "model_list": [_entry(plan) for plan in plans],
        "router_settings": routing,
        "litellm_settings": {"drop_params": True, "request_timeout": 600},
        "general_settings": {"master_key": f"os.environ/{MASTER}"},
    }


def public(plan: Recipe) -> str:
    """The name under which clients ask for the model."""
    return plan.served or plan.model or "model"


def _entry(plan: Recipe) -> JsonObject:
    name = "/model" if plan.folder and plan.served in (None, plan.model) else public(plan)
    return {
        "model_name": public(plan),
        "litellm_params": {
            "model": f"openai/{name}", "api_base": f"http://{plan.address}/v1",
            "api_key": f"os.environ/{plan.key}" if plan.key else "none", "timeout": 600,
        },
    }  # fmt: skip


def keys(plans: Sequence[Recipe]) -> tuple[str, ...]:
    """The variables that hold the keys of the servers, and the gateway's own."""
    return (MASTER, *dict.fromkeys(plan.key for plan in plans if plan.key))


def probe() -> str:
    """Python that fails unless the gateway is up; its image has no curl."""
    return python_probe(PORT, ROUTE)
