"""Benchmarks: each runs a named peer beside ours, in turns, and prints ratios. `python -m bench list` names them."""
