"""The model: all that a backend sees, and how its coordinates are best sampled."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from winstan import group_integrals, one_pass
from winstan.cells import Cells
from winstan.coefficients import Coefficients
from winstan.coordinates import Coordinates
from winstan.coordinates.coordinates import FEW_GROUPS
from winstan.coordinates.curves import (
    Bounds,
    Shrunk,
)
from winstan.coordinates.monotonic import CurvedColumn
from winstan.families.family import ACCEPT, ACCEPT_CURVED, ACCEPT_OPEN
from winstan.likelihood import Likelihood
from winstan.marginal import (
    Marginal,
    VarianceCoordinates,
)
from winstan.monotonic import Simplexes
from winstan.priors import Priors
from winstan.residual import CorrelatedResiduals, RowCorrelation, Structure
from winstan.shrinkage import Shrinkage
from winstan.tuning import USUAL, Tuning
from winstan.variables import Variable, variables

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design import Design, Stacked
    from winstan.families import Family
    from winstan.families.links import Link
    from winstan.formula import Formula
    from winstan.inputs import Inputs


# `ACCEPT_CURVED` is for random slopes that are sampled, where correlations near one bring
# divergences at Stan's step size, and for sds that the data hardly tell from zero. Where effects
# are integrated out, one for slopes whose sd may vanish, whose groups are few, or whose prior has
# correlations at one and minus one (LKJ below 1), and for intercepts of several factors, one of few
# groups, whose sds may; one for other intercepts' sds that may; and one for shares of monotonic
# steps, which may vanish.
ACCEPT_SIMPLEX = 0.9
ACCEPT_MARGINAL_SEVERAL = 0.9
ACCEPT_MARGINAL = 0.85
# A correlation may come near its ends. Beside correlated residuals any group sd may vanish: they
# take what lasts within units.
ACCEPT_CORRELATED, ACCEPT_CORRELATED_GROUPS = 0.95, 0.98
# Sd and length-scale of a process go along a curve; a term of curves has three sds that may vanish.
ACCEPT_OPEN_CURVES = 0.95
# The more coordinates, the shorter the steps of one acceptance rate. Of so many standard scores 0.8
# has fifteen steps a draw where seven of the theory's best rate turn round as well.
ACCEPT_CURVES = 0.65
SEVEN_STEPS = range(150, 501)
# Correlations of single rows' effects, and their sd, may come near their ends together.
ACCEPT_ROWS = 0.9
# Where the coordinates are about standard normal there is a step size to find, and no scales. They
# are less so with correlations, and small steps take longer to find.
WARMUP = 100
WARMUP_CURVED = 150
WARMUP_METRIC = 300
# Of more coordinates that warm-up is too short for their covariances.
DENSE_UP_TO = 60
# One step size for all draws brings every coordinate of equal width about to its mirror image at
# once: InstEval's 4,102 mix a third better where it varies.
MANY_COORDINATES = 1000
JITTER = 0.5
# The worst R-hat of four thousand effects is 1.01 by chance alone, after a thousand draws.
DRAWS = 1000
DRAWS_OF_MANY = 2000


@dataclass(frozen=True, slots=True)
class Model:
    """A mixed model and its data, ready for any backend.

    Attributes
    ----------
    formula : Formula
    design : Design
        Terms, levels and rows of the mean, as its formula has them, and of other parameters.
    stacked : Stacked
        The linear predictors of all parameters that have a formula, as one.
    cells : Cells
        The design's distinct rows, with sufficient statistics.
    likelihood : Likelihood
        The density of the cells' data by what is sampled.
    priors : Priors
    coefficients : Coefficients
        Which of them are sampled: P.
    center : bool
        Whether the prior of the Intercept is at the mean of the predictors.
    predictor_mean : ndarray, shape (K,)
        What is subtracted from each population-level predictor; zeros if not centred.
    level_means : ndarray, shape (K, K), or None
        Without an Intercept apart: what is subtracted within the levels of the columns that stand
        for it (`winstan.centering`).
    population : ndarray, shape (B * C, P)
        The population-level design of the cells: a column of ones for the Intercept, and the
        centred predictors.
    constant : ndarray, shape (B * C,)
        What coefficients that are constant add to the linear predictors: part of the cells' offset.
    coordinates : Coordinates
        The coordinates to sample in; of what is integrated out, where `variances` starts.
    bounds : Bounds
        Of the coefficients that have any.
    shrinkage : Shrinkage or None
        The prior that coefficients share, if there is one.
    shrunk : Shrunk or None
        Their coordinates.
    simplexes : Simplexes or None
        Of monotonic effects, if there are any; `population` is at those that they say.
    curved : tuple of CurvedColumn
        The population columns that they bend.
    marginal : Marginal or None
        Statistics by which coefficients and effects are integrated out (and drawn afterwards);
        None where they are sampled.
    residual : CorrelatedResiduals or None
        As `marginal`, where residuals are correlated.
    correlation : RowCorrelation or None
        Of latent effects of single rows, or of residuals with a joint density.
    variances : VarianceCoordinates or None
        The coordinates of what remains to be sampled where something is integrated out.
    tuning : Tuning
    inputs : Inputs or None
        What it was made of.
    """

    formula: Formula
    design: Design
    stacked: Stacked
    cells: Cells
    likelihood: Likelihood
    priors: Priors
    coefficients: Coefficients
    center: bool
    predictor_mean: Array
    level_means: Array | None
    population: Array
    constant: Array
    coordinates: Coordinates
    bounds: Bounds
    shrinkage: Shrinkage | None = None
    shrunk: Shrunk | None = None
    simplexes: Simplexes | None = None
    curved: tuple[CurvedColumn, ...] = ()
    marginal: Marginal | None = None
    residual: CorrelatedResiduals | None = None
    correlation: RowCorrelation | None = None
    variances: VarianceCoordinates | None = None
    tuning: Tuning = USUAL
    inputs: Inputs | None = None

    @property
    def family(self) -> Family:
        """The distribution of the response."""
        return self.likelihood.family

    @property
    def link(self) -> Link:
        """The link of its mean."""
        return self.likelihood.link

    @property
    def template(self) -> str:
        """Name of the Stan template that has its density."""
        if self.residual is not None:
            return "gaussian_residual"
        if self.correlation is not None:
            return f"{self.family.template}_{'units' if self.residuals else 'latent'}"
        if self.marginal is not None:
            return "gaussian_marginal"
        if self.groups_integrated:
            return group_integrals.TEMPLATE
        return one_pass.TEMPLATE if self.in_one_pass else self.family.template

    @property
    def in_one_pass(self) -> bool:
        """Whether Stan goes over its rows one by one, which hardly repeat."""
        plain = self._plain and not self.groups_integrated
        return plain and one_pass.is_one_pass(self.likelihood, self.stacked, self.tuning)

    @property
    def groups_integrated(self) -> bool:
        """Whether Stan integrates the effects of many groups out one by one.

        Other backends sample them, and so does Stan where `parametrization` says how.
        """
        wanted = None if self.inputs is None else self.inputs.parametrization
        return (
            self._plain
            and wanted is None
            and group_integrals.are_integrated(
                self.likelihood, self.stacked, self.coordinates, self.tuning
            )
        )

    @property
    def with_effects(self) -> Model:
        """The same model, its groups' effects sampled."""
        return replace(self, tuning=replace(self.tuning, integrals_from=math.inf))

    @property
    def _plain(self) -> bool:
        """Whether the density of the rows is that of the family, and meets all that is sampled."""
        return not self.integrated and self.correlation is None and self.simplexes is None

    @property
    def integrated(self) -> bool:
        """Whether coefficients and effects are integrated out, and drawn afterwards."""
        return self.marginal is not None or self.residual is not None

    @property
    def target_accept(self) -> float:
        """NUTS's target acceptance rate, unless the user gives one."""
        if self.integrated:
            return self._accept_of_variances
        if self.correlation is not None:
            return ACCEPT_ROWS
        # Given the noise the scores are normal, and the noise itself may vanish
        curved = self.slopes or self.coordinates.curved or self.coordinates.conditional.any
        curved = curved or self._open_simplex
        asked = self.family.accept_predicted
        own = max([asked[name] for name in self.likelihood.predicted if name in asked], default=0.0)
        own = max(own, self.family.target_accept)
        if curved or self.family.dense_metric:
            return max(ACCEPT_CURVED, own)
        if self.shrinkage is not None:
            return ACCEPT_OPEN
        if self.simplexes is not None:
            own = max(own, ACCEPT_SIMPLEX)
        if self._curves_of_levels and self.coordinates.vanishing:
            return max(ACCEPT_OPEN_CURVES, own)
        return ACCEPT_CURVES if own == ACCEPT and self._is_of_many_curves else own

    @property
    def _accept_of_variances(self) -> float:
        """The rate where coefficients and effects are integrated out."""
        if self.residual is not None:
            return ACCEPT_CORRELATED_GROUPS if self.stacked.groups else ACCEPT_CORRELATED
        if self.stacked.column_sds.spectral or self._curves_of_levels:
            return ACCEPT_OPEN_CURVES
        open_ended = ACCEPT_MARGINAL_SEVERAL if self._several else ACCEPT_MARGINAL
        return open_ended if self._open_ended else ACCEPT

    @property
    def metric(self) -> str:
        """The Euclidean metric of Stan's NUTS: ``"unit_e"``, or one to adapt.

        ``"diag_e"`` with random slopes; where coefficients and effects are integrated out,
        ``"dense_e"`` if the variances' posterior was not found well, or where the family asks for
        it, or a monotonic effect, and the parameters are few.
        """
        if self.variances is not None:
            return "unit_e" if self.variances.converged else "dense_e"
        wanted = self.family.dense_metric or self.simplexes is not None
        if wanted and self._sampled <= DENSE_UP_TO:
            return "dense_e"
        adapted = self.slopes or wanted or self.correlation is not None
        return "diag_e" if adapted else "unit_e"

    def warmup(self, target_accept: float) -> int:
        """Warm-up iterations of each chain at this acceptance rate, unless the user gives them."""
        if self.metric != "unit_e":
            return WARMUP_METRIC
        return WARMUP if target_accept <= ACCEPT else WARMUP_CURVED

    @property
    def draws(self) -> int:
        """Draws of each chain, unless the user says how many."""
        return default_draws(self._sampled)

    @property
    def step_size_jitter(self) -> float:
        """Share by which Stan's NUTS varies its step size: half with thousands of effects, or 0."""
        return JITTER if self._sampled > MANY_COORDINATES else 0.0

    @property
    def _sampled(self) -> int:
        """Coefficients and effects that are sampled."""
        decorrelation = self.coordinates.decorrelation
        if self.integrated:
            return 0
        drawn = 0 if self.groups_integrated else decorrelation.eliminated_scale.size
        return len(decorrelation.remaining_scale) + drawn

    @property
    def first_piece(self) -> int:
        """The place of the simplexes' first piece among the numbers."""
        before = 0 if self.shrinkage is None else len(self.shrinkage.names)
        return len(self.likelihood.scalars) + before

    @property
    def pieces(self) -> slice:
        """The places of the simplexes' pieces among the numbers."""
        n = 0 if self.simplexes is None else self.simplexes.location.size
        return slice(self.first_piece, self.first_piece + n)

    @property
    def correlation_numbers(self) -> slice:
        """The places among the numbers of those that `correlation` has, the last ones."""
        n = 0 if self.correlation is None else self.correlation.structure.n_numbers
        return slice(self.pieces.stop, self.pieces.stop + n)

    @property
    def structure(self) -> Structure | None:
        """How rows of a unit are correlated, whatever is sampled of them."""
        own = self.residual if self.correlation is None else self.correlation
        return None if own is None else own.structure

    @property
    def residuals(self) -> CorrelatedResiduals | RowCorrelation | None:
        """How the residuals of the response are correlated; None where effects are, or nothing."""
        own = self.correlation
        return self.residual if own is None else own if own.term is None else None

    @property
    def _open_ended(self) -> bool:
        """Whether an sd may vanish, or correlations may come near one."""
        groups = self.stacked.groups
        few = any(g.slopes and g.n_levels < FEW_GROUPS for g in groups)
        lkj = lkj_numbers(self.stacked, self.priors)
        return few or self.coordinates.vanishing or min(lkj, default=1.0) < 1.0

    @property
    def _several(self) -> bool:
        """Whether there are slopes, or several factors, one of few groups."""
        groups = self.stacked.groups
        return self.slopes or (
            len(groups) > 1 and any(group.n_levels <= FEW_GROUPS for group in groups)
        )

    @property
    def _open_simplex(self) -> bool:
        """Whether no row has the last category of a monotonic effect: its share has no bound."""
        steps = self.cells.steps
        return any(steps[:, v].max() < one.n for v, one in enumerate(self.stacked.monotones))

    @property
    def _is_of_many_curves(self) -> bool:
        """Whether levels have curves of their own, hundreds of numbers, of sds that are known."""
        many = self.metric == "unit_e" and self._sampled in SEVEN_STEPS
        return self._curves_of_levels and many and not self.coordinates.vanishing

    @property
    def _curves_of_levels(self) -> bool:
        """Whether levels have curves of their own."""
        return any(group.shared is not None and group.n_levels > 1 for group in self.stacked.groups)

    @property
    def slopes(self) -> bool:
        """Whether some group term has several effects a level."""
        return any(group.slopes for group in self.stacked.groups)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The parameters, in order, as every backend reports them."""
        structure = self.structure
        dims = {} if structure is None else {structure.name: structure.dims}
        return variables(self.stacked, self.likelihood, self.shrinkage, dims)


def default_draws(sampled: int) -> int:
    """Draws of each chain where so many coefficients and effects are sampled."""
    return DRAWS_OF_MANY if sampled > MANY_COORDINATES else DRAWS


def lkj_numbers(stacked: Stacked, priors: Priors) -> tuple[float, ...]:
    """Return the number of each correlation matrix's prior."""
    names = [group.correlation_name for group in stacked.groups if group.has_correlations]
    return tuple(priors[name].numbers[0] for name in names)
