from quietcore import CpuPlan, Host, RtNode, TunedProfile

hv1 = Host(
    "hv1",
    uri="qemu+ssh://root@hv1.example.net/system",
    topology="hosts/hv1.yaml",
    cpus=CpuPlan(housekeeping="0-1", isolated="2-7"),
)
realtime = TunedProfile("plc-guest", role="guest")
image = "https://images.example.net/debian-12-rt.qcow2"

RtNode("plc-a", host=hv1, image=image, vcpus=4, rt_vcpus="1-3", memory="2GiB", tuned=realtime)
