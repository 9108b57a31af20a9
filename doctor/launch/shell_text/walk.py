"""Follows the ways through a script: commands change a state, and an outcome that is not known makes two of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doctor.base.text import one_line
from doctor.launch.shell_text import marks
from doctor.launch.shell_text.conditions import calculation, clause, condition, guess_clause, negated
from doctor.launch.shell_text.expand import expander
from doctor.launch.shell_text.loops import Loops
from doctor.launch.shell_text.state import DEEPEST, SUCCESS, Outcome, State, decisions, merged
from doctor.launch.shell_text.tree import (
    AndOr,
    Background,
    Calculation,
    Case,
    Condition,
    Counting,
    For,
    Function,
    Group,
    If,
    Node,
    Pipeline,
    Redirect,
    Redirected,
    Simple,
    While,
)  # fmt: skip

_INPUT = ("<", "<<", "<<-", "<<<")
_OUTPUT = (">", ">>", ">|", "&>", "&>>", ">&")


class Walk(Loops):
    """Follows a tree of commands."""

    def run(self, nodes: tuple[Node, ...], state: State) -> list[State]:
        """The states behind the commands, the likeliest first."""
        self.world.depth += 1
        states = [state]
        if self.world.depth > DEEPEST:
            self.stopped(state, "commands are nested too deeply to be read")
            nodes = ()
        for node in nodes:
            after: list[State] = []
            for one in states:
                after += [one] if one.flow else self.node(node, one)
            states = merged(after) if len(after) > len(states) else after
        self.world.depth -= 1
        return states

    def node(self, node: Node, state: State) -> list[State]:
        """The states behind one command."""
        if not self.world.spend():
            self.stopped(state, "the script is too long to be read to its end")
            return [state]
        return _KINDS[type(node)](self, node, state)

    def _redirected(self, node: Redirected, state: State) -> list[State]:
        stdin, out, target = state.stdin, state.out, ""
        append = discards = False
        for redirect in node.redirects:
            if redirect.op in _INPUT and redirect.fd <= 0:
                self._input(redirect, state)
            elif redirect.op in _OUTPUT and redirect.fd in (-1, 1):
                text = expander(state).text(redirect.target)
                append, discards = redirect.op.endswith(">>"), not marks.known(text) or text.startswith("/dev/")
                discards = discards or (redirect.op == ">&" and (text.isdigit() or text == "-"))
                target = "" if discards else state.path(text)
        if target or discards:
            state.out = ""
        if isinstance(node.body, Simple) and not node.body.words and state.stdin is not None:
            state.say(state.stdin)  # `$(<FILE)`
        states = self.node(node.body, state)
        for one in states:
            if target:
                one.write(target, one.out, append)
            if target or discards:
                one.out = out
            one.stdin = stdin
        return states

    def _input(self, redirect: Redirect, state: State) -> None:
        reading = expander(state)
        if redirect.op == "<":
            state.stdin = reading.input(redirect.target)
        else:
            state.stdin = reading.text(redirect.target) + ("\n" if redirect.op == "<<<" else "")

    def _pipeline(self, node: Pipeline, state: State) -> list[State]:
        if len(node.commands) == 1:
            states = self.node(node.commands[0], state)
        else:
            current: list[tuple[State, str | None]] = [(state, state.stdin)]
            for number, command in enumerate(node.commands, 1):
                after: list[tuple[State, str | None]] = []
                for parent, stdin in current:
                    child = parent.copy()
                    child.out, child.stdin = "", stdin
                    for one in self.node(command, child):
                        printed, back = one.out, self.returned(parent, one)
                        back.out = parent.out
                        if number == len(node.commands):
                            back.say(printed)
                        after.append((back, printed))
                current = after[:32]
            states = [one for one, _ in current]
            for one in states:
                if one.status.holds is None:
                    one.status = Outcome(None, one.status.guess, node.source, ("|", node.source))
        for one in states:
            one.status = negated(one.status) if node.negated else one.status
        return states

    def _and_or(self, node: AndOr, state: State) -> list[State]:
        states = self.node(node.first, state)
        for op, command in node.rest:
            after: list[State] = []
            for one in states:
                if one.flow:
                    after.append(one)
                    continue
                for other, holds in decisions(one):
                    after += self.node(command, other) if holds == (op == "&&") else [other]
            states = merged(after) if len(after) > 1 else after
        return states

    def _background(self, node: Background, state: State) -> list[State]:
        child = state.copy()
        child.background = True
        states = [self.returned(state, one) for one in self.node(node.body, child)]
        for one in states:
            one.status = SUCCESS
        return states

    def _group(self, node: Group, state: State) -> list[State]:
        if not node.subshell:
            return self.run(node.body, state)
        return [self.returned(state, one) for one in self.run(node.body, state.copy())]

    def _if(self, node: If, state: State) -> list[State]:
        out: list[State] = []
        pending = [state]
        for test, body in node.branches:
            after: list[State] = []
            for one in pending:
                for tested in self.run(test, one):
                    if tested.flow:
                        out.append(tested)
                        continue
                    for other, holds in decisions(tested):
                        if holds:
                            out += self.run(body, other)
                        else:
                            after.append(other)
            pending = after
        for one in pending:
            one.status = SUCCESS
            out += self.run(node.otherwise, one)
        return merged(out) if len(out) > 1 else out

    def _case(self, node: Case, state: State) -> list[State]:
        reading = expander(state, conditional=True)
        value = reading.text(node.word)
        out: list[State] = []
        through = False
        for number, (patterns, _, end) in enumerate(node.clauses):
            texts = [reading.pattern(p) for p in patterns]
            found = [clause(value, t) for t in texts]
            if not through and not any(found) and None not in found:
                continue
            certain = through or any(found)
            other = state if certain else state.copy()
            if not marks.known(value):
                guess = not any(o.cost <= state.cost for o in out) and any(guess_clause(value, t) for t in texts)
                other.cost += not guess
                other.outer |= frozenset() if guess else marks.names(value)
                other.guards = (
                    *other.guards,
                    f"`{one_line(node.word.source, 60)}` matches `{one_line(patterns[0].source, 40)}`",
                )
            followed = self.run(self._through(node, number), other)
            if certain and end != ";;&":
                return merged(out + followed)
            out = merged(out + followed)
            if not self.world.spend():
                break
        state.status = SUCCESS
        state.cost += any(o.cost <= state.cost for o in out)
        return merged([*out, state]) if out else [state]

    def _through(self, node: Case, number: int) -> tuple[Node, ...]:
        """The commands of a clause, and of those behind it where it ends with `;&`."""
        out: tuple[Node, ...] = ()
        for _, body, end in node.clauses[number:]:
            out += body
            if end != ";&":
                break
        return out

    def _function(self, node: Function, state: State) -> list[State]:
        state.functions[node.name] = node.body
        return [state]

    def _calculation(self, node: Calculation, state: State) -> list[State]:
        state.status = calculation(node, state)
        return [state]

    def _condition(self, node: Condition, state: State) -> list[State]:
        state.status = condition(node, state)
        return [state]

    def _simple(self, node: Simple, state: State) -> list[State]:
        return self.simple(node, state)


_KINDS: dict[type, Callable[[Walk, Any, State], list[State]]] = {
    Simple: Walk._simple, Redirected: Walk._redirected, Pipeline: Walk._pipeline, AndOr: Walk._and_or,
    Background: Walk._background, Group: Walk._group, If: Walk._if, While: Walk._while, For: Walk._for,
    Counting: Walk._counting, Case: Walk._case, Function: Walk._function, Calculation: Walk._calculation,
    Condition: Walk._condition,
}  # fmt: skip
