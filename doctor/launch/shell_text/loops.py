"""Loops: over known words they really go round, on paper; where that is not known, not at all and once."""

from __future__ import annotations

from doctor.launch.shell_text import marks
from doctor.launch.shell_text.arithmetic import NotKnown
from doctor.launch.shell_text.commands import Commands
from doctor.launch.shell_text.expand import expander
from doctor.launch.shell_text.state import SUCCESS, State, decisions, merged
from doctor.launch.shell_text.tree import (
    Calculation,
    Condition,
    Counting,
    For,
    Literal,
    Node,
    Parameter,
    Simple,
    While,
    Word,
)

_ROUNDS = 128


class Loops(Commands):
    """Follows loops."""

    def _for(self, node: For, state: State) -> list[State]:
        reading = expander(state)
        texts, unsure = list(state.arguments), node.select
        if node.words is not None:
            texts = []
            for word in node.words:
                found = reading.fields(word)
                loose = any(not isinstance(p, Literal) and not p.quoted for p in word.parts)
                unsure = unsure or (loose and any(not marks.known(t) and marks.pieces(t) == [t] for t in found))
                texts += found
        if state.flow:
            return [state]
        skipped = [state.copy()] if unsure else []
        going, done = [state], []
        for text in texts[: 1 if node.select else _ROUNDS]:
            for one in going:
                one.put(node.name, marks.computed(f"${{{node.name}}}") if node.select else text)
            going, ended = self._round(node.body, going)
            done += ended
        if len(texts) > _ROUNDS:
            self._cut(going, node.line)
        for one in skipped:
            one.cost += 1
        return merged([*done, *going, *skipped])

    def _cut(self, states: list[State], line: int) -> None:
        for one in states:
            one.tell(f"the loop on line {line} is read for {_ROUNDS} rounds only")

    def _round(self, body: tuple[Node, ...], states: list[State]) -> tuple[list[State], list[State]]:
        """One round of a loop: the states that go round again, and those that have left."""
        going: list[State] = []
        done: list[State] = []
        for state in states:
            for one in self.run(body, state):
                if one.flow not in ("break", "continue"):
                    (done if one.flow else going).append(one)
                    continue
                one.levels -= 1
                stays = one.flow == "continue" and one.levels <= 0
                one.flow = one.flow if one.levels > 0 else ""
                (going if stays else done).append(one)
        return merged(going), done

    def _while(self, node: While, state: State) -> list[State]:
        going, done = [state], []
        endless = _constant(node)
        for number in range(_ROUNDS):
            entering: list[State] = []
            for one in going:
                for tested in self.run(node.condition, one):
                    if tested.flow:
                        done.append(tested)
                    elif number and tested.status.holds is None:
                        tested.status = SUCCESS
                        done.append(tested)
                    else:
                        for other, holds in decisions(tested):
                            (entering if holds != node.until else done).append(other)
            for one in entering:
                one.loop = (*one.loop[-1:], len(one.starts)) if number else (len(one.starts),)
            going, ended = self._round(node.body, entering)
            done += ended
            if endless:
                done += self._endless(going)
            if not going:
                break
        else:
            self._cut(going, node.line)
        for one in done:
            if not one.flow:
                one.status = SUCCESS
        return merged([*done, *going])

    def _endless(self, going: list[State]) -> list[State]:
        """Takes those out of `going` whose round started what the round before did: a loop without end."""
        out = []
        for one in list(going):
            if len(one.loop) < 2:
                continue
            before, here = one.loop[-2:]
            earlier, last = one.starts[before:here], one.starts[here:]
            if last and [s.words for s in earlier] == [s.words for s in last]:
                going.remove(one)
                one.flow, one.starts = "exit", one.starts[:here]
                out.append(one)
        return out

    def _counting(self, node: Counting, state: State) -> list[State]:
        try:
            expander(state).number(node.first)
            going, done = [state], []
            for _ in range(_ROUNDS):
                holds = [
                    bool(expander(s, True).number(node.condition)) if _written(node.condition) else True for s in going
                ]
                done += [s for s, h in zip(going, holds, strict=True) if not h]
                going, ended = self._round(node.body, [s for s, h in zip(going, holds, strict=True) if h])
                done += ended
                for one in going:
                    expander(one).number(node.step)
                if not going:
                    return merged(done)
            self._cut(going, node.line)
            return merged([*done, *going])
        except NotKnown:
            skipped = state.copy()
            skipped.cost += 1
            going, done = self._round(node.body, [state])
            return merged([*done, *going, skipped])


def _constant(node: While) -> bool:
    """Whether the condition is always the same: `true`, `:`, `((1))`."""
    if len(node.condition) != 1:
        return False
    one = node.condition[0]
    if isinstance(one, Calculation):
        return one.source.strip("() ").isdigit()
    words = one.words if isinstance(one, Simple) else one.words if isinstance(one, Condition) else ()
    return bool(words) and not any(isinstance(p, Parameter) for w in words if isinstance(w, Word) for p in w.parts)


def _written(word: Word) -> bool:
    return bool(word.source.strip())
