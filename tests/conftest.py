"""Settings of all tests of the project."""

import os

for name in [name for name in os.environ if name.startswith("PYTEST_CF_")]:
    del os.environ[name]  # the tests decide about the options of the plugin
