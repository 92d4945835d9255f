import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.errors import UnitError
from quietcore.spec import KernelCmdline
from quietcore.units import CpuSet

WORDS = st.text("abcdef=_.,-0123456789", min_size=1, max_size=12)


@given(st.lists(WORDS, max_size=8))
def test_a_command_line_reads_back(words: list[str]) -> None:
    line = KernelCmdline(parameters=tuple(words))
    assert KernelCmdline.parse(str(line)) == line


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", ()),
        ("  quiet   splash\n", ("quiet", "splash")),
        ('a="b c" d', ('a="b c"', "d")),
        ('"a b"', ('"a b"',)),
        ("quiet\tro", ("quiet", "ro")),
        ('x="open end', ('x="open end',)),
    ],
)
def test_a_command_line_is_split_as_the_kernel_does(text: str, parameters: tuple[str, ...]) -> None:
    assert KernelCmdline.parse(text).parameters == parameters


def test_the_last_parameter_of_a_name_wins() -> None:
    line = KernelCmdline.parse("a=1 b a=2 ab=3")
    assert line.get("a") == "2"
    assert line.get("b") == ""
    assert line.get("c") is None


def test_a_cpu_set_is_read_without_the_flags_of_isolcpus() -> None:
    line = KernelCmdline.parse("isolcpus=nohz,domain,managed_irq,1-3 nohz_full=2-N rcu_nocbs")
    assert line.cpus("isolcpus") == CpuSet([1, 2, 3])
    assert line.cpus("nohz_full", count=4) == CpuSet([2, 3])
    assert line.cpus("rcu_nocbs") == CpuSet()
    assert line.cpus("irqaffinity") is None
    with pytest.raises(UnitError):
        line.cpus("nohz_full")
