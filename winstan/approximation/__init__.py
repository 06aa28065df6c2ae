"""A quick approximate fit: where the posterior lies, and how wide it is."""
