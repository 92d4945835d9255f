"""The assignment lock of a program: who makes it, who may change it, and what a frozen run says."""

TWO = 'hv1 = host()\nnode("a", hv1)\nnode("b", hv1)\n'


def test_a_check_on_a_workstation_writes_the_lock_and_says_what_changed(project):
    run = project.run(TWO)
    assert run.lock_changes == ["a", "b"]
    assert project.lock.splitlines()[2:] == [
        "nodes:",
        '  a: {host: hv1, rt: "1-2", cpus: [0, 2, 3]}',
        '  b: {host: hv1, rt: "1-2", cpus: [1, 4, 5]}',
    ]


def test_a_second_check_changes_nothing(project):
    project.run(TWO)
    assert project.run(TWO).lock_changes == []


def test_removing_a_node_moves_no_other(project):
    project.run(TWO)
    project.run('hv1 = host()\nnode("b", hv1)\n')
    assert '  b: {host: hv1, rt: "1-2", cpus: [1, 4, 5]}' in project.lock


def test_a_node_put_before_others_moves_none(project):
    project.run(TWO)
    project.run('hv1 = host()\nnode("new", hv1)\nnode("a", hv1)\nnode("b", hv1)\n')
    assert '  a: {host: hv1, rt: "1-2", cpus: [0, 2, 3]}' in project.lock
    assert '  b: {host: hv1, rt: "1-2", cpus: [1, 4, 5]}' in project.lock


def test_a_frozen_run_without_an_assignment_is_a_finding_and_writes_nothing(project):
    run = project.run(TWO, frozen=True)
    assert [finding.code for finding in run.findings] == ["L01", "L01"]
    assert not (project.folder / "dev.lock.yaml").exists()


def test_a_frozen_run_with_the_lock_is_clean(project):
    project.run(TWO)
    assert project.run(TWO, frozen=True).findings == []


def test_pruning_drops_nodes_that_are_no_longer_declared(project):
    project.run(TWO)
    project.run('hv1 = host()\nnode("b", hv1)\n', prune=True)
    assert " a:" not in project.lock


def test_a_full_host_is_a_finding_that_names_what_is_left(project):
    run = project.run('hv1 = host()\nfor name in "abcd":\n    node(name, hv1)\n')
    (full,) = [finding for finding in run.findings if finding.code == "L02"]
    assert full.where == 'node "d", rt_vcpus'
    assert "none free" in full.given


def test_a_refused_program_writes_no_assignment_and_claims_none(project):
    assert project.run('hv1 = host()\nnode("a", hv1, priority=99)\n').lock_changes == []
    assert not (project.folder / "dev.lock.yaml").exists()


def test_pruning_keeps_what_modules_of_the_program_declare(project):
    (project.folder / "extra.py").write_text(
        "from quietcore import CpuPlan, Host, RtNode, TunedProfile\n"
        'plan = CpuPlan(housekeeping="0-1", isolated="2-7")\n'
        'hv9 = Host("hv9", uri="test:///default", topology="hv.yaml", cpus=plan)\n'
        'tuned = TunedProfile("extra", role="guest")\n'
        'RtNode("c", host=hv9, vcpus=3, rt_vcpus="1-2", memory="2GiB", image="debian.qcow2", tuned=tuned)\n'
    )
    project.run(TWO + "import extra\n")
    run = project.run('hv1 = host()\nnode("a", hv1)\nimport extra\n', prune=True)
    assert [node.domain.name for node in run.site.nodes] == ["a", "c"]
    assert "  b:" not in project.lock
    assert "  c:" in project.lock
