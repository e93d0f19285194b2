"""Real runtimes behind the bindings: the Workers runtime of npm, its installer and the bridge to it."""
