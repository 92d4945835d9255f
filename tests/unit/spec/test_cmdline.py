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


def test_names_are_compared_as_the_kernel_does() -> None:
    line = KernelCmdline.parse("nohz-full=1-3 kvm-intel.eptad=0")
    assert line.get("nohz_full") == "1-3"
    assert line.get("kvm_intel.eptad") == "0"
    assert line.cpus("nohz-full") == CpuSet([1, 2, 3])


def test_quotes_are_no_part_of_a_value() -> None:
    line = KernelCmdline.parse('nohz_full="1-3" "rcu_nocbs=1-3" dyndbg="file a.c +p"')
    assert line.get("nohz_full") == "1-3"
    assert line.get("rcu_nocbs") == "1-3"
    assert line.get("dyndbg") == "file a.c +p"
    assert line.settings[0] == ("nohz_full", "1-3")


def test_what_follows_two_dashes_is_for_init() -> None:
    line = KernelCmdline.parse("quiet -- isolcpus=1 single")
    assert line.get("isolcpus") is None
    assert line.settings == (("quiet", None),)


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        ("1-3", ()),
        ("domain,1-3", ("domain",)),
        ("nohz,domain,managed_irq,1-3", ("nohz", "domain", "managed_irq")),
        ("domian,1-3", ("domian",)),
        ("1-3,domain", ()),
        ("all", ("all",)),
        ("domain", ("domain",)),
    ],
)
def test_flags_of_isolcpus_stand_before_the_cpus(value: str, flags: tuple[str, ...]) -> None:
    assert KernelCmdline.parse(f"isolcpus={value}").flags() == flags


@pytest.mark.parametrize("line", ["isolcpus=1-3,domain", "nohz_full=domain,1-3", "isolcpus=domian,1-3"])
def test_a_word_elsewhere_is_no_flag(line: str) -> None:
    name = line.partition("=")[0]
    with pytest.raises(UnitError, match="not a CPU list"):
        KernelCmdline.parse(line).cpus(name, count=4)


@given(st.text(max_size=60))
def test_any_text_is_split_and_asked_without_a_fault(text: str) -> None:
    line = KernelCmdline.parse(text)
    assert KernelCmdline.parse(" ".join(line.parameters)).parameters is not None
    assert line.get("isolcpus") is None or isinstance(line.flags(), tuple)
