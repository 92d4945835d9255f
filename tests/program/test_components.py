"""What components register: children, names, parents, and specs that the engine keeps."""

from quietcore.resources.site import DOMAIN, HOST, NODE

ONE = """
hv1 = host()
node("plc-a", hv1)
"""


def by_name(run, kind):
    return {found.name: found for found in run.resources if found.type == kind}


def test_a_node_is_a_disk_a_seed_and_a_domain_below_one_component(project):
    run = project.run(ONE)
    (node,) = by_name(run, NODE).values()
    children = {(found.type.rsplit(":", 1)[-1], found.name) for found in run.resources if found.parent == node.urn}
    assert children == {("Volume", "plc-a-root"), ("CloudInitDisk", "plc-a-seed"), ("Domain", "plc-a")}


def test_the_spec_reaches_the_engine_as_the_components_inputs_without_defaults(project):
    run = project.run(ONE)
    assert by_name(run, NODE)["plc-a"].props == {
        "name": "plc-a",
        "host": "hv1",
        "vcpus": 3,
        "rt_vcpus": "1-2",
        "memory": "2GiB",
        "tuned": "plc-guest",
    }


def test_an_image_is_uploaded_once_a_host_however_many_nodes_boot_from_it(project):
    run = project.run('hv1 = host()\nfor name in ("a", "b", "c"):\n    node(name, hv1)\n')
    volumes = [found.name for found in run.resources if found.type.endswith(":Volume")]
    assert sorted(volumes) == ["a-root", "b-root", "c-root", "hv1-debian.qcow2"]


def test_every_child_uses_its_hosts_provider(project):
    run = project.run(ONE)
    provider = next(found for found in run.resources if found.name == "hv1-libvirt")
    assert provider.parent == by_name(run, HOST)["hv1"].urn
    assert by_name(run, DOMAIN)["plc-a"].provider == provider.urn


def test_the_whole_picture_places_a_domain_on_the_host_of_its_provider(project):
    (node,) = project.run(ONE).site.nodes
    assert (node.host.name, node.node.name, str(node.domain.rt_pins)) == ("hv1", "plc-a", "2-3")


def test_the_same_program_renders_the_same_inputs_twice(project):
    assert project.run(ONE).resources == project.run(ONE).resources


def test_images_and_keys_may_be_outputs(project):
    run = project.run(
        'image = pulumi.Output.from_input("debian.qcow2")\n'
        'key = pulumi.Output.from_input("ssh-ed25519 AAAA user@example")\n'
        'node("plc-a", host(), image=image, authorized_keys=[key])\n'
    )
    (seed,) = [found for found in run.resources if found.name == "plc-a-seed"]
    assert "ssh-ed25519 AAAA user@example" in seed.props["userData"]
    assert [found.name for found in run.resources if found.name == "hv1-plc-a-image"]
