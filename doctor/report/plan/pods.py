"""The server of a plan as a Kubernetes workload: a pod, or a LeaderWorkerSet where machines serve one copy together."""

from __future__ import annotations

from doctor.base.json_object import JsonObject
from doctor.base.quoting import joined
from doctor.facts.launch import HUB_HOME
from doctor.launch import naming
from doctor.report.plan.group import Group, by_ray
from doctor.report.plan.recipe import RELAXED, Recipe, pinned
from doctor.report.plan.service import container_words, start_period

SHM = "/dev/shm"
KEYS = "qvl-keys"  # the Secret with every key, which the user makes
LEADER = "$(LWS_LEADER_ADDRESS)"
GROUP = Group(LEADER, "$(LWS_GROUP_SIZE)", "$(LWS_WORKER_INDEX)")
GIB = 1 << 30


def workload(plan: Recipe, with_metrics: bool) -> JsonObject:
    """The Deployment, or the LeaderWorkerSet."""
    labels = {"app": plan.name}
    if plan.nodes > 1:
        roles = {"leaderTemplate": _pod(plan, with_metrics, labels), "workerTemplate": _worker(plan, with_metrics)}
        return {
            "apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "metadata": {"name": plan.name},
            "spec": {"replicas": 1, "leaderWorkerTemplate": {
                "size": plan.nodes, "restartPolicy": "RecreateGroupOnPodRestart", **roles}},
        }  # fmt: skip
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": plan.name, "labels": labels},
        "spec": {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": labels},
                 "template": _pod(plan, with_metrics, labels)},
    }  # fmt: skip


def claim(plan: Recipe) -> JsonObject:
    """The volume in which the weights stay between starts."""
    size = max(50, 10 * -(-int((plan.weights or 0) * 1.2 / GIB) // 10))
    mode = "ReadWriteMany" if plan.nodes > 1 else "ReadWriteOnce"
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": f"{plan.name}-models"},
        "spec": {"accessModes": [mode], "resources": {"requests": {"storage": f"{size}Gi"}}},
    }  # fmt: skip


def from_secret(name: str, optional: bool = False, key: str | None = None) -> JsonObject:
    """A variable that takes its value from the Secret of the keys, there called `key`, else as the variable is."""
    reference = {"name": KEYS, "key": key or name, **({"optional": True} if optional else {})}
    return {"name": name, "valueFrom": {"secretKeyRef": reference}}


def shm() -> JsonObject:
    """Shared memory that is more than the runtime's 64 MiB."""
    return {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}


def models(plan: Recipe) -> JsonObject:
    """The volume of the weights."""
    return {"name": "models", "persistentVolumeClaim": {"claimName": f"{plan.name}-models"}}


def startup(plan: Recipe) -> JsonObject:
    """A probe that gives the first start its time."""
    return {**_asked(plan, 10), "failureThreshold": start_period(plan) // 10}


def _asked(plan: Recipe, seconds: int) -> JsonObject:
    """The question of every probe, each so many seconds."""
    return {"httpGet": {"path": "/health", "port": plan.port}, "timeoutSeconds": 10, "periodSeconds": seconds}


def command_of(plan: Recipe, with_metrics: bool) -> list[str]:
    """The command of the first, or only, machine."""
    words = container_words(plan, with_metrics)
    if not in_group(plan):
        return _command(plan, words, "")
    return _command(plan, GROUP.argv(plan, words), GROUP.before(plan))


def in_group(plan: Recipe) -> bool:
    """Whether it is in a LeaderWorkerSet; an operator of another kind brings its machines together itself."""
    return plan.nodes > 1 and (plan.manifests is None or plan.manifests.kind == "LeaderWorkerSet")


def _pod(plan: Recipe, with_metrics: bool, labels: JsonObject) -> JsonObject:
    volumes: list[JsonObject] = [shm()]
    if plan.folder:
        volumes.append({"name": "model", "hostPath": {"path": plan.folder, "type": "Directory"}})
    else:
        volumes.append(models(plan))
    volumes += [{"name": name, "hostPath": {"path": path}} for name, path, _, _ in _folders(plan)]
    spec = {"enableServiceLinks": False, "containers": [_leader(plan, with_metrics)], "volumes": volumes}
    return {"metadata": {"labels": labels}, "spec": spec}


def _folders(plan: Recipe) -> list[tuple[str, str, str, bool]]:
    """The folders of the host that `docker run` was to mount: name, path, place in the container, read only."""
    out: list[tuple[str, str, str, bool]] = []
    for written in plan.volumes:
        path, _, rest = written.partition(":")
        place, _, how = rest.partition(":")
        if path.startswith("/") and place.startswith("/") and place != plan.cache:
            out.append((f"folder-{len(out) + 1}", path, place, "ro" in how.split(",")))
    return out


def _leader(plan: Recipe, with_metrics: bool) -> JsonObject:
    return {
        **_container(plan, command_of(plan, with_metrics)), "ports": [{"name": "http", "containerPort": plan.port}],
        "startupProbe": startup(plan), "readinessProbe": _asked(plan, 10), "livenessProbe": _asked(plan, 30),
    }  # fmt: skip


def _worker(plan: Recipe, with_metrics: bool) -> JsonObject:
    pod = _pod(plan, with_metrics, {"app": f"{plan.name}-worker"})
    words = GROUP.joining() if by_ray(plan) else GROUP.argv(plan, container_words(plan, False))
    pod["spec"]["containers"] = [_container(plan, _command(plan, words, ""))]
    return pod


def _container(plan: Recipe, command: list[str]) -> JsonObject:
    """A container of the server; what its image lacks is installed before the start."""
    mounts: list[JsonObject] = [{"name": "shm", "mountPath": SHM}]
    mounts.append(
        {"name": "model", "mountPath": "/model"} if plan.folder else {"name": "models", "mountPath": plan.cache}
    )
    mounts += [{"name": name, "mountPath": place, "readOnly": fixed} for name, _, place, fixed in _folders(plan)]
    return {
        "name": "server", "image": plan.image or f"python:{plan.python}-slim", "command": command,
        "env": variables_of(plan), "resources": {"limits": {"nvidia.com/gpu": str(max(1, plan.shared_gpus))}},
        "volumeMounts": mounts,
    }  # fmt: skip


def _command(plan: Recipe, words: list[str], start: str) -> list[str]:
    """The words as Kubernetes takes them, `$(NAME)` for each secret; behind a shell where something goes before."""
    install = _install(plan)
    if not install and not start:
        return naming.filled(words, plan.secrets, "$({})".format, _escaped)
    return ["sh", "-c", f"{install}{start}exec {naming.shell(words, plan.secrets)}"]


def _install(plan: Recipe) -> str:
    pins = plan.layer if plan.image else plan.pins
    wheels, built = ([n for n in sorted(pins) if (n in plan.source) is one] for one in (False, True))
    steps = ((wheels, "--only-binary :all:"), (built, "--no-deps"))
    lines = [(how, joined(pinned(n, pins[n]) for n in names)) for names, how in steps if names]
    return "".join(f"pip install --no-cache-dir {how} {words} && " for how, words in lines)


def variables_of(plan: Recipe) -> list[JsonObject]:
    """The environment of the server, secrets from the Secret of the keys."""
    secret = tuple(dict.fromkeys((*plan.secrets, *plan.hidden)))
    out = [{"name": "HF_HOME", "value": HUB_HOME}] if "HF_HOME" not in plan.environ else []
    out += [from_secret("HF_TOKEN", optional=True)] if "HF_TOKEN" not in secret else []
    out += [{"name": n, "value": _escaped(v)} for n, v in plan.environ.items() if n not in plan.hidden]
    out += [{"name": RELAXED, "value": "1"}] if plan.relaxed else []
    return out + [from_secret(n) for n in secret]


def _escaped(text: str) -> str:
    """Text in which Kubernetes fills in nothing; what we wrote as `$(LWS_...)` is filled in."""
    return text if text.startswith("$(LWS_") or LEADER in text else text.replace("$(", "$$(")
