"""The stylesheet: what it keeps of a program's own XML, and what it takes away."""

from lxml import etree

from quietcore.render.domain_xslt import xslt
from quietcore.render.stylesheet import apply_stylesheet, parse_xml
from quietcore.spec import Devices, DomainSpec, GuestSpec, KernelCmdline
from quietcore.units import Duration, Size

DOMAIN = DomainSpec(
    name="plc-a",
    machine="q35",
    vcpus=2,
    memory=Size.parse("1GiB"),
    cpu_mode="host-passthrough",
    iothreads=2,
    memballoon="none",
    pmu=False,
    vmport=False,
    devices=Devices(usb="none"),
    guest=GuestSpec(kernel="rt", cmdline=KernelCmdline.parse('hugepagesz=2M hugepages=8 note="{a} <b>"')),
)


def effective(xml: str, domain: DomainSpec = DOMAIN) -> etree._Element:
    return apply_stylesheet(parse_xml(xml), xslt(domain))


def test_noisy_devices_are_gone():
    noisy = (
        "<graphics/><video/><sound/><rng/><input type='tablet' bus='usb'/><controller type='usb' model='qemu-xhci'/>"
    )
    devices = effective(f"<domain><devices>{noisy}<memballoon model='virtio'/></devices></domain>").find("devices")
    assert [child.tag for child in devices] == ["channel", "serial", "console", "controller", "memballoon"]
    assert devices.find("controller").get("model") == "none"


def test_other_devices_and_other_metadata_stay():
    result = effective(
        "<domain><metadata><x:y xmlns:x='urn:x'/></metadata>"
        "<devices><watchdog model='i6300esb'/><controller type='scsi'/></devices></domain>"
    )
    assert result.find("devices/watchdog") is not None
    assert result.find("devices/controller[@type='scsi']") is not None
    assert result.find("metadata/{urn:x}y") is not None


def test_the_agent_and_the_console_of_a_program_are_not_doubled():
    channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
    result = effective(f"<domain><devices>{channel}<console type='pty'/></devices></domain>")
    assert len(result.findall("devices/channel")) == 1
    assert len(result.findall("devices/console")) == 1
    assert result.find("devices/serial") is None


def test_disks_share_out_the_iothreads_and_bypass_the_page_cache():
    disk = "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><target dev='vda' bus='virtio'/></disk>"
    drivers = effective(f"<domain><devices>{disk * 3}</devices></domain>").findall("devices/disk/driver")
    assert [driver.get("iothread") for driver in drivers] == ["1", "2", "1"]
    assert {driver.get("cache") for driver in drivers} == {"none"}
    assert {driver.get("queues") for driver in drivers} == {"1"}
    assert {driver.get("type") for driver in drivers} == {"qcow2"}


def test_a_cdrom_keeps_its_driver_as_it_is():
    disk = "<disk type='file' device='cdrom'><driver name='qemu'/><target dev='sda' bus='sata'/></disk>"
    driver = effective(f"<domain><devices>{disk}</devices></domain>").find("devices/disk/driver")
    assert dict(driver.attrib) == {"name": "qemu"}


def test_a_directly_booted_kernel_gets_its_parameters_in_their_order():
    result = effective("<domain><os><kernel>/k</kernel><cmdline>hugepages=8 hugepagesz=2M</cmdline></os></domain>")
    assert result.findtext("os/cmdline") == 'hugepagesz=2M hugepages=8 note="{a} <b>"'
    assert result.find("metadata/*").get("cmdline") is None


def test_a_guest_that_boots_from_disk_has_its_command_line_in_the_metadata():
    result = effective("<domain><os/></domain>")
    assert result.find("os/cmdline") is None
    assert result.find("metadata/*").get("cmdline") == 'hugepagesz=2M hugepages=8 note="{a} <b>"'


def test_what_is_not_said_of_clock_cpu_and_sleep_stays_as_it_is():
    clock = "<clock offset='localtime'/><pm><suspend-to-mem enabled='yes'/></pm>"
    result = effective(f"<domain>{clock}</domain>")
    assert result.find("clock").get("offset") == "localtime"
    assert result.find("pm/suspend-to-mem").get("enabled") == "yes"
    assert result.find("cpu/feature") is None


def test_the_policy_says_whether_an_update_may_restart_the_guest():
    text = xslt(DOMAIN, restart="when-needed", shutdown_timeout=Duration.parse("1500ms"))
    policy = apply_stylesheet(parse_xml("<domain/>"), text).find("metadata/{urn:quietcore:policy:1}policy")
    assert dict(policy.attrib) == {"restart": "when-needed", "shutdownTimeout": "2"}
