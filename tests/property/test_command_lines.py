"""The laws of kernel command lines: rendering, order, spelling, and what is derived."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quietcore.render import cmdline as text
from quietcore.rules.judge import findings
from quietcore.rules.kernel.examples import GOOD, machine
from quietcore.spec import KernelCmdline, MachineSpec
from quietcore.units import CpuSet

parameters = st.from_regex(r"[a-z_.]{1,10}(=([!-~]{0,12}|\"[ !#-~]{0,12}\"))?", fullmatch=True).filter(
    lambda parameter: parameter.count('"') % 2 == 0
)
cmdlines = st.lists(parameters, max_size=6).map(lambda words: KernelCmdline(parameters=tuple(words)))
WRONG = (
    "isolcpus=2-9 nohz_full=0-7 rcu_nocbs=2-6 irqaffinity=2 skew_tick=0 idle=poll nohz=off audit=1 "
    "rcutree.kthread_prio=99 tuned.non_isolcpus=0x3 kthread_cpus=7 intel_pstate=passive"
)
bad = st.sampled_from(WRONG.split())


def told(subject: MachineSpec) -> set[tuple[str, str, str]]:
    return {(finding.code, finding.where, finding.given) for finding in findings(subject)}


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """The good line with some parameters left out and some replaced by bad ones, each parameter once."""
    wrong = draw(st.lists(bad, max_size=4, unique_by=lambda word: word.partition("=")[0]))
    names = {word.partition("=")[0] for word in wrong} | draw(st.sets(st.sampled_from(["nohz", "rcu_nocbs"])))
    return [*(word for word in GOOD.split() if word.partition("=")[0] not in names), *wrong]


@given(cmdlines)
def test_a_command_line_is_lifted_from_what_was_rendered(cmdline: KernelCmdline) -> None:
    assert text.lift(text.render(cmdline)) == cmdline
    assert text.lift(text.render_grub(cmdline)) == cmdline


@given(lines().flatmap(lambda words: st.tuples(st.just(words), st.permutations(words))))
def test_the_order_of_parameters_changes_no_finding(both: tuple[list[str], list[str]]) -> None:
    one, other = (machine(cmdline=KernelCmdline(parameters=tuple(words))) for words in both)
    assert told(one) == told(other)


@given(lines(), st.sampled_from([" ", "  ", "\t", "\n"]), st.booleans())
def test_where_and_how_a_line_is_written_changes_no_finding(words: list[str], gap: str, grub: bool) -> None:
    plain = KernelCmdline(parameters=tuple(words))
    written = text.render_grub(plain) if grub else gap.join(words)
    assert told(machine(cmdline=text.lift(written))) == told(machine(cmdline=plain))


@given(st.sets(st.integers(0, 7), min_size=1), st.sampled_from(["-", "N", "twice"]))
def test_the_spelling_of_a_cpu_list_changes_no_finding(cpus: set[int], form: str) -> None:
    each = ",".join(map(str, sorted(cpus)))
    spelled = each.replace("7", "N") if form == "N" else str(CpuSet(cpus)) if form == "-" else f"{each},{each}"
    codes = [
        sorted(finding.code for finding in findings(machine(f"nohz_full={said}", without=("nohz_full",))))
        for said in (each, spelled)
    ]
    assert codes[0] == codes[1]
