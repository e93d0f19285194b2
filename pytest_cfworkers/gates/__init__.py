"""Gates: what a whole run is held to, such as "p95_ms<=5000". They read the model of the run and nothing else."""
