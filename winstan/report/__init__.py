"""A fit's report: one HTML page."""
