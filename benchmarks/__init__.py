"""winstan beside its peers, on one machine, one process after the other: see `benchmarks.run`."""
