"""Settings of all tests of the project."""

import os

for name in [name for name in os.environ if name.startswith("PYTEST_CF_")]:
    del os.environ[name]  # the tests decide about the options of the plugin

for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
    os.environ.pop(name, None)  # and about what it tells GitHub: the runs inside of tests have nothing to tell
