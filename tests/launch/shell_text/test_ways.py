"""What bash alone cannot say: conditions that are open, variables that nobody sets, bounds, what is told."""

from __future__ import annotations

import pytest

from doctor.launch.shell_text import LARGEST, Setting, Way, ways

pytestmark = pytest.mark.alone

HOME = {"PATH": "/bin", "HOME": "/h"}


def every(text: str, **more: object) -> tuple[Way, ...]:
    return ways(text, Setting(**{"environ": HOME, "cwd": "/w", **more}))  # type: ignore[arg-type]


def started(way: Way) -> list[str]:
    return [" ".join(s.words) for s in way.starts]


def lines(text: str, **more: object) -> list[list[str]]:
    return [started(w) for w in every(text, **more)]


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        ("vllm $MODEL", "vllm ${MODEL}", "the variable `$MODEL` is not set here"),
        ('vllm "$A-$B"', "vllm ${A}-${B}", "the variable `$B` is not set here"),
        ("vllm --tp $(nproc)", "vllm --tp $(nproc)", "`$(nproc)` is known only when the script runs"),
        ("N=`nproc`; vllm --tp $N", "vllm --tp `nproc`", "``nproc`` is known only when the script runs"),
        ('vllm "${A[@]}"', "vllm ${A[@]}", "the variable `$A` is not set here"),
        ("vllm ${M%/*}", "vllm ${M%/*}", "`${M%/*}` is known only when the script runs"),
        ("vllm $((8000 + RANK))", "vllm $((8000 + RANK))", "`$((8000 + RANK))` is known only when the script runs"),
        ("read M; vllm $M", "vllm ${M}", "`${M}` is known only when the script runs"),
    ],
)
def test_what_is_not_known_stays_as_written(text: str, words: str, sentence: str) -> None:
    first = every(text)[0]
    assert started(first) == [words] and sentence in first.starts[0].unknown


def test_what_is_known_to_be_empty_vanishes() -> None:
    assert lines('E=; A=(); vllm $E "${A[@]}" "$@" $1 ${X:-} ${X:+x} end "$E"') == [["vllm end "]]


def test_a_condition_on_what_nobody_sets_has_two_ways_and_the_likelier_is_first() -> None:
    found = every('if [ -n "$K" ]; then A="--api-key $K"; fi\nvllm serve Q $A')
    assert [started(w) for w in found] == [["vllm serve Q"], ["vllm serve Q --api-key ${K}"]]
    assert [w.guards for w in found] == [('`[ -n "$K" ]` does not hold',), ('`[ -n "$K" ]` holds',)]


def test_the_same_condition_is_decided_once() -> None:
    text = '[ -n "$K" ] && A=1\n[ -n "$K" ] && B=1\n[ -z "$K" ] && C=1\nvllm $A$B$C'
    assert lines(text) == [["vllm 1"], ["vllm 11"]]


def test_what_a_way_supposes_is_remembered() -> None:
    text = 'if [ -z "$M" ]; then M=Q; fi\nvllm $M'
    assert lines(text) == [["vllm Q"], ["vllm ${M}"]]


def test_ways_that_start_the_same_are_one() -> None:
    assert len(every("if nvidia-smi; then echo gpu; fi; vllm a")) == 1
    assert every('[ -n "$D" ] && set -x; vllm a')[0].guards == ()


@pytest.mark.parametrize(
    ("text", "first", "others"),
    [
        ("if nvidia-smi; then vllm g; else vllm c; fi", ["nvidia-smi", "vllm g"], [["nvidia-smi", "vllm c"]]),
        ("command -v vllm || exit 1\nvllm a", ["vllm a"], [[]]),
        ("curl x && vllm a || vllm b", ["curl x", "vllm a"], [["curl x", "vllm b"], ["curl x", "vllm a", "vllm b"]]),
        ("case $M in a) vllm a;; b|c) vllm b;; *) vllm d;; esac", ["vllm d"], [["vllm a"], ["vllm b"]]),
        ("until curl x; do sleep 1; done; vllm a", ["curl x", "vllm a"], [["curl x", "sleep 1", "curl x", "vllm a"]]),
        ("for f in $(find .); do vllm $f; done", ["vllm $(find .)"], [[]]),
        ("[ -f x ] && vllm a || vllm b", ["vllm b"], [["vllm a"], ["vllm a", "vllm b"]]),
        ("[[ -n $A && -n $B ]] && C=1; vllm ${C:-0}", ["vllm 0"], [["vllm 1"]]),
        ("while true; do vllm a; sleep 1; done; vllm never", ["vllm a", "sleep 1"], []),
        ("while :; do vllm a && break; done; vllm b", ["vllm a", "vllm b"], [["vllm a", "vllm a", "vllm b"]]),
    ],
)
def test_open_conditions(text: str, first: list[str], others: list[list[str]]) -> None:
    found = lines(text)
    assert found[0] == first
    assert sorted(found[1:]) == sorted(others)


def test_in_another_environment_a_default_is_only_likely() -> None:
    found = every("vllm $M ${TP:-1}", open_environment=True)[0]
    assert started(found) == ["vllm ${M} 1"]
    assert "`$TP` may be set in the environment; its default is assumed" in found.starts[0].unknown
    assert lines("M=${1:?needs}; vllm ${K:?needs}", arguments=("Q",), open_environment=True) == [["vllm ${K}"]]


def test_a_variable_that_must_be_set_ends_the_text() -> None:
    found = every("vllm a; M=${1:?model}; vllm $M")[0]
    assert started(found) == ["vllm a"] and "`1`" in found.unknown[0]


def test_variables_of_the_command() -> None:
    text = "export A=1 B; B=2; C=3; unset HOME; D=4 vllm a; cd /x; vllm b &"
    a, b = every(text)[0].starts
    assert a.environ == {"PATH": "/bin", "A": "1", "B": "2", "D": "4"} and a.set == {"A": "1", "B": "2", "D": "4"}
    assert b.set == {"A": "1", "B": "2"} and a.dropped == {"HOME"}
    assert (a.cwd, b.cwd, a.background, b.background) == ("/w", "/x", False, True)


def test_activated_environments() -> None:
    start = every("source /v/bin/activate\nvllm")[0].starts[0]
    assert start.set == {"VIRTUAL_ENV": "/v", "PATH": "/v/bin:/bin"}
    conda = {**HOME, "CONDA_EXE": "/opt/c/bin/conda"}
    start = every('eval "$(conda shell.bash hook)"\nconda activate x\nvllm', environ=conda)[0].starts[0]
    assert start.set == {"CONDA_PREFIX": "/opt/c/envs/x", "PATH": "/opt/c/envs/x/bin:/bin"}
    assert "conda environment `x`" in every("conda activate x; vllm")[0].unknown[0]


def test_the_text_for_a_shell_is_handed_on() -> None:
    found = every("bash <<EOF\nvllm $X\nEOF\nbash <<'EOF'\nvllm $X\nEOF\nsh <<< 'vllm b'; echo vllm c | sh")[0].starts
    assert [s.stdin for s in found] == ["vllm ${X}\n", "vllm $X\n", "vllm b\n", "vllm c\n"]


def test_sourced_files_name_themselves() -> None:
    files = {"/w/env.sh": "\nvllm a", "/w/.env": "M=1"}
    found = every(". ./env.sh\nset -a; . .env; vllm $M; . missing", read=files.get)[0]
    assert [(s.source, s.line) for s in found.starts] == [("/w/env.sh", 2), (None, 2)]
    assert found.starts[1].set == {"M": "1"} and found.unknown == ("what `missing` sets is not read",)


def test_written_files_are_known() -> None:
    found = every("cat > s.sh <<'EOF'\n\nvllm \"$1\"\nEOF\nbash s.sh x; tmux new -d ./s.sh")[0].starts
    assert [(s.words, s.source, s.line) for s in found[1:2]] == [(("vllm", "x"), "/w/s.sh", 2)]
    assert found[2].written == {"/w/s.sh": '\nvllm "$1"\n'}
    assert lines("python make.py > s.sh; bash s.sh") == [["python make.py", "bash s.sh"]]


def test_where_the_script_is() -> None:
    for name in ("bash", "start.sh", "sub/start.sh", "/s/start.sh"):
        found = every('cd "$(dirname "$0")"; vllm; cd "$(dirname "${BASH_SOURCE[0]}")/x"; vllm', home="/s", name=name)
        assert [s.cwd for s in found[0].starts] == ["/s", "/s/x"]


def test_a_trap_counts_where_nothing_else_does() -> None:
    assert lines("trap 'vllm t' EXIT; vllm a") == [["vllm a"]] and lines("trap 'vllm t' EXIT") == [["vllm t"]]


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [("vllm a\nvllm 'b", ["vllm a"], 2), ("vllm a\nif x; then\nvllm b", ["vllm a"], 3), ("vllm a\n)", ["vllm a"], 2)],
)
def test_a_text_that_is_broken_is_read_up_to_there(text: str, words: list[str], line: int) -> None:
    found = every(text)[0]
    assert started(found) == words and found.unknown == (f"line {line} of the script cannot be parsed",)


def test_at_most_sixteen_ways() -> None:
    found = every(
        "".join(f'[ -n "${c}" ] && x{c}=1\n' for c in "ABCDEF") + "vllm " + " ".join(f"a$x{c}" for c in "ABCDEF")
    )
    assert len(found) == 16 and started(found[0]) == ["vllm a a a a a a"]
    assert "more than 16 paths" in found[0].unknown[0]


def test_bounds_are_told() -> None:
    assert "nested too deeply" in every("f() { f; }; f")[0].unknown[0]
    assert "refers to itself" in every(". ./x", read=lambda path: ". ./x")[0].unknown[0]
    assert (
        "too long"
        in every("i=0; while [ $i -lt 99 ]; do j=0; while [ $j -lt 99 ]; do j=$((j+1)); done; done")[0].unknown[0]
    )
    assert "rounds" in every("i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done")[0].unknown[0]
    assert "larger" in every("#" * LARGEST + "\nvllm")[0].unknown[0]
