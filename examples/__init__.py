"""Runnable examples of the original design's names: ``python -m examples.dual_tower_examples``."""
