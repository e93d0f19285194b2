"""Benchmarks of the plugin: ratios measured in one run, against what users would use instead."""
