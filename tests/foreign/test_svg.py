"""A renderer of pictures takes the CPU map."""


def test_librsvg_draws_the_cpu_map(cluster, tool, tmp_path):
    picture = tmp_path / "map.png"
    tool("rsvg-convert", cluster / "cpu-map.svg", "--output", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
