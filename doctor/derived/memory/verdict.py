"""The memory verdict: what becomes of the model on the GPUs. It follows from the model, the launch and the GPUs."""

from __future__ import annotations

from dataclasses import replace

from doctor.base.record import dataclass
from doctor.derived.case import Case, memoized
from doctor.derived.known_model import is_known_by_name, is_of_family_alone, known_member, launched_member
from doctor.facts import Facts, Gpu, Model, Observed, Unavailable
from doctor.facts.gpu import Device
from doctor.findings import NotApplicable, Open
from doctor.launch.memory_settings import settings
from doctor.launch.settings import Settings
from doctor.launch.towers import as_loaded
from doctor.matrix.gpus import card as card_named
from doctor.matrix.gpus import usable
from doctor.matrix.models.members import Member
from doctor.memory.drafter import is_unknown
from doctor.memory.fit import VERDICTS, Fit, fit, uneven
from doctor.memory.footprint import Footprint, footprint
from doctor.memory.learned import believable, burdened, corrected
from doctor.memory.logged import plausible

NO_MODEL = "no model is named"
LARGEST = 1 << 45  # bytes: more than any GPU has
SHARED = 0.94  # of a memory that the system shares with its GPU: what GB10 reports of its 128 GB


@dataclass(frozen=True, slots=True)
class Place:
    """One GPU: its bytes, those that are free where that is known, and its compute capability."""

    card: int
    free: int | None = None
    able: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class MemoryVerdict:
    """The weights and what is asked; `cards` are the GPUs at hand, `fit` the value for the smallest of those used.

    `listed` is the row of the data that stands in for a model which was not found. `cards` is None where nothing is
    known of GPUs; then there is no `fit`. `device` is that card and `free` its free bytes, where NVML told them.
    `predicted` is the value before it was corrected by what the same launch logged here before (`learned`), `then` what
    would have been predicted for that run. `places` are what each card has.
    """

    footprint: Footprint
    settings: Settings
    listed: Member | None
    cards: tuple[Device, ...] | None
    fit: Fit | None
    free: int | None
    predicted: Fit | None = None
    learned: Observed | None = None
    device: Device | None = None
    then: Fit | None = None
    places: tuple[Place, ...] = ()

    @property
    def used(self) -> tuple[Device, ...]:
        """The cards that the launch takes; all where they are fewer."""
        return (self.cards or ())[: self.settings.gpus] or self.cards or ()

    @property
    def unequal(self) -> bool:
        """Whether the cards that are used differ in their memory."""
        used = [place.card for place in self.places[: len(self.used)]]
        return bool(used) and max(used) - min(used) > max(used) // 50

    def on(self, found: Footprint, card: int, asked: Settings, free: int | None = None) -> Fit:
        """What becomes of a model on cards of so many bytes; of the launch's own, with what was learned of it."""
        return self.learnt(fit(found, card, asked, free, _capability(self.device) if self.device else None))

    def judge(self, found: Footprint, asked: Settings) -> Fit:
        """The same on the cards at hand, as many as the settings take."""
        _, verdict = _smallest(found, asked, self.places[: asked.gpus] or self.places)
        return self.learnt(verdict)

    def learnt(self, now: Fit) -> Fit:
        """A prediction with the difference that an earlier run has shown, of another model with what it took more."""
        if self.learned is None or self.then is None or now.rule.denied is not None:
            return now
        change = corrected if now.footprint == self.footprint else burdened
        return change(now, self.then, self.learned)


def of_unusable(asked: Settings, *meanings: str) -> str:
    """`--tp 0` is not a valid value: the first such option, of these meanings where some are named; empty for none."""
    given = next((text for meaning, text in asked.unusable if not meanings or meaning in meanings), "")
    return f"`{given}` is not a valid value" if given else ""


@memoized
def memory_verdict(case: Case) -> MemoryVerdict | NotApplicable | Open:
    """The verdict, or why there is nothing to judge, or why that is not known."""
    facts = case.facts
    listed = _listed(facts)
    model = facts.model if isinstance(facts.model, Model) else listed.model if listed else None
    if model is None:
        lost = isinstance(facts.model, Unavailable) and facts.model.reason in ("failed", "timed_out")
        return Open(facts.model.detail) if lost and isinstance(facts.model, Unavailable) else NotApplicable(NO_MODEL)
    if is_of_family_alone(model):
        return Open(f"only the family of `{model.path}` is known, not its size")
    asked = as_loaded(settings(facts), model.architectures)
    if asked.unusable:
        return Open(f"memory is not computed, because {of_unusable(asked)}")
    found = footprint(model, dtype=asked.dtype, quantization=asked.quantization)
    if found is None:
        return Open("neither the model's files nor its configuration give its size")
    found = replace(found, draft=_draft(model, asked))
    if is_unknown(found, asked):
        return Open(f"the size of the draft model `{asked.draft_model}` is not known")
    devices = cards(facts)
    if not devices:
        return MemoryVerdict(found, asked, listed, devices, None, None)
    places = tuple(Place(has(d, facts.gpu), _free(d, facts.gpu), _capability(d)) for d in devices)
    asked = replace(asked, lead=places[0].card, smallest=min(listed_size(d) for d in devices))
    place, verdict = _smallest(found, asked, places[: asked.gpus] or places)
    one = devices[places.index(place)]
    here = MemoryVerdict(found, asked, listed, devices, verdict, place.free, verdict, device=one, places=places)
    seen = plausible(facts.observed, verdict.card) if isinstance(facts.observed, Observed) else None
    return here if seen is None else _learned(here, verdict, seen)


def _free(device: Device, gpu: Gpu | Unavailable) -> int | None:
    return device.memory_free if isinstance(gpu, Gpu) and gpu.source == "nvml" else None


def _smallest(found: Footprint, asked: Settings, used: tuple[Place, ...]) -> tuple[Place, Fit]:
    """Each GPU judged on its own memory; all take as large a cache as that with the least room, which is returned."""
    there = tuple(dict.fromkeys(used))
    each = [(place, fit(found, place.card, asked, place.free, place.able)) for place in there]
    one, verdict = min(each, key=lambda e: (not e[1].rule.denied, VERDICTS.index(e[1].verdict), e[1].rule.most))
    if len(each) > 1 and verdict.rule.denied is None:
        starts = [place.free if place.free is not None else place.card for place in there]
        verdict = uneven(verdict, min(starts), max(starts))
    return one, verdict


def _learned(here: MemoryVerdict, now: Fit, seen: Observed) -> MemoryVerdict:
    """The verdict with the difference that the earlier run has shown; unchanged where that may not count."""
    free = here.free if seen.free is None else seen.free
    then = here.on(here.footprint, now.card, here.settings, free)
    seen = believable(then, seen)
    if not (seen.weights or seen.cache or seen.tokens):
        return here
    better = corrected(now, then, seen)
    return here if better is now else replace(here, fit=better, learned=seen, then=then)


def _draft(model: Model, asked: Settings) -> Footprint | None:
    """The weights of the smaller model that guesses tokens ahead, from this disk or from the data."""
    listed = known_member(asked.draft_model) if model.draft is None and asked.draft_model else None
    here = model.draft or (listed.model if listed else None)
    return footprint(here) if here is not None else None


def cards(facts: Facts) -> tuple[Device, ...] | None:
    """The GPUs that a server would see, the slices of one in MIG mode as cards of their own; None: nothing is known."""
    if not isinstance(facts.gpu, Gpu) or not facts.gpu.devices:
        return _others(facts.gpu) if isinstance(facts.gpu, Gpu) else None
    out: list[Device] = []
    for device in facts.gpu.usable:
        slices = [m for m in device.mig if m.memory_total] if device.mig_enabled else []
        out += [Device(device.index, m.name, device.capability, m.memory_total or 0, m.memory_free) for m in slices]
        out += [] if slices else [device]
    return tuple(d for d in out if 0 < d.memory_total <= LARGEST)


def _capability(device: Device) -> tuple[int, int] | None:
    return None if device.capability == (0, 0) else device.capability


def _others(gpu: Gpu) -> tuple[Device, ...] | None:
    """Devices that do not run CUDA, where their memory was named; the system keeps some of what it shares."""
    return tuple(
        Device(n, one.name, (0, 0), one.memory, int(one.memory * (SHARED if one.shared else 1)),
               unified_memory=one.shared, reserved=int(one.memory * (1 - SHARED)) if one.shared else None)
        for one in gpu.others if one.memory for n in range(max(one.count, 1))
    ) or None  # fmt: skip


def has(device: Device, gpu: Gpu | Unavailable) -> int:
    """Bytes that CUDA has of a GPU; by its name where the driver does not say what it keeps for itself.

    Under WSL, where Windows lends the memory out, CUDA counts all of it.
    """
    if isinstance(gpu, Gpu) and gpu.driver_platform == "windows":
        return device.memory_total
    declared = not isinstance(gpu, Gpu) or gpu.source == "declared"
    if declared or device.reserved is not None or device.unified_memory:
        return device.usable
    return usable(card_named(device.name, device.memory_total), device.memory_total)


def listed_size(device: Device) -> int:
    """Bytes of a GPU as `nvidia-smi` lists it, the driver's own part included."""
    known = card_named(device.name, device.memory_total)
    near = known is not None and known.bytes <= device.memory_total * 1.06
    return max(device.memory_total, known.bytes) if known is not None and near else device.memory_total


def _listed(facts: Facts) -> Member | None:
    """The row of the data that stands for a model whose files are not here."""
    if not isinstance(facts.model, Model):
        return launched_member(facts)
    return known_member(facts.model.path) if is_known_by_name(facts) else None
