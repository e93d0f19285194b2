"""Settings of all tests of the project."""

import importlib
import os

for name in [name for name in os.environ if name.startswith("PYTEST_CF_")]:
    del os.environ[name]  # the tests decide about the options of the plugin

for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
    os.environ.pop(name, None)  # and about what it tells GitHub: the runs inside of tests have nothing to tell

# `pytester` forgets what a run inside of a test has imported, and a package does not: the next run would have two
# copies of what keeps a state, such as who works for whom. So all of it is there before the first of them.
for name in ("recording", "runtime"):
    importlib.import_module(f"pytest_cfworkers.plugin.{name}")
