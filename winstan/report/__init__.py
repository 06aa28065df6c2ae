"""How a fit shows itself: text, HTML for notebooks, and a page of its own."""

from winstan.report.reprs import EFFECT_ROWS, fit_as_html, fit_as_text, round_table

__all__ = ["EFFECT_ROWS", "fit_as_html", "fit_as_text", "round_table"]
