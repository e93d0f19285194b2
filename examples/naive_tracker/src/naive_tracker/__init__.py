"""The tracker as it is written first. It works on a laptop, and each of its tests fails: do not copy anything here.

`examples/repo_tracker` has the same features.
"""
