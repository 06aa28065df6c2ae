"""`Tuning`: sizes at which winstan takes another way to the same answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """What decides how a model is computed; none of it changes its posterior.

    Attributes
    ----------
    dense_columns : int
        Cells, coefficients and effects, together, of which scipy's sparse matrices cost more than
        they spare (LFP's 16 cells and 10 columns: 0.02 s of a fit of 0.12 s).
    factored : int
        Coefficients, and effects of all terms but the largest, up to which the precision is
        factored.
    slack : float
        Where a search for better coordinates follows, the approximate fit may end while its steps
        are so many times as long. What else is read from it is plain by then: whether an sd may
        vanish, and whether the response is exact.
    regression_from : float
        How the eliminated effects follow a remaining one is left out below this, over all of them,
        in their standard deviations: mice's intercepts and a balanced treatment's coefficient.
    low_rank_apart : float
        The scale of many coordinates keeps an axis for each direction in which the scaled effects
        are this much wider, or narrower, than uncorrelated ones.
    location_from : float
        What of an sd's information locations or scales must hold to follow it, one unit of its
        coordinate having one.
    form_cells : int
        Cells from which a quadratic form may stand for them: fewer are so quick that nothing would
        be won.
    form_entries : float
        Entries of its matrix that cost the sampler as much as a cell: six or more in InstEval.
    rows_from, rows_an_effect : int
        Cells, in all and for each effect, from which a likelihood with its own gradient goes over
        them (`winstan.one_pass`).
    integrals_from : float
        Groups from which the effects of a random intercept are integrated out one by one, where
        that is possible (`winstan.group_integrals`).
    picked_from : int
        Numbers of a matrix that are multiplied all of them sooner than a part is picked from a
        vector.
    search_patterns, search_rounds : int
        Of the importance sampling for the variances' coordinates: fewer points where each has
        thousands of patterns to look at, so many in all; and how often it goes round.
    marginal_chunk : int
        Numbers held at once, where many draws of integrated models are worked on.
    chunk : int
        Draws times rows held at once, in effects: what the processor's cache holds is five times as
        quick as more.
    largest_array : int
        Bytes of an array of all rows and draws, above which it is not made.
    judged_rows : int
        Rows that the guard against repeated responses looks at first, to dismiss a column without
        reading all of it, where there are more than twice as many.
    """

    dense_columns: int = 400
    factored: int = 3000
    slack: float = 10.0
    regression_from: float = 0.1
    low_rank_apart: float = 0.05
    location_from: float = 0.05
    form_cells: int = 500
    form_entries: float = 4.0
    rows_from: int = 5000
    rows_an_effect: int = 10
    integrals_from: float = 150
    picked_from: int = 256
    search_patterns: int = 400_000
    search_rounds: int = 12
    marginal_chunk: int = 4_000_000
    chunk: int = 150_000
    largest_array: int = 2**31
    judged_rows: int = 50_000


USUAL = Tuning()
