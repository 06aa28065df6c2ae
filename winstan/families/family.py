"""What a family is: everything that the rest of winstan knows of a response distribution."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from winstan._typing import Array
from winstan.errors import FamilyError
from winstan.families import foreign
from winstan.families.consistency import Kind, wrong_names, wrong_parameters, wrong_roles
from winstan.families.links import LINKS, Link

if TYPE_CHECKING:
    from winstan.families.distribution import BambiFamily, Distribution
    from winstan.families.elliptical import Elliptical
    from winstan.families.noise import NoiseInformation
    from winstan.families.parameter import Parameter
    from winstan.families.sample import Limits, Sample
    from winstan.families.tails import Cumulative

CorrelatedAs = Literal["integrated", "joint", "latent"]
"""Residuals that are correlated, coefficients and effects being integrated out; residuals that have
a joint density; or effects of single rows on the linear predictor."""
Statistics = Mapping[str, Any]
Aux = Mapping[str, Any]
"""The parameters beside the mean, by name: a number each, or one for each row, cell or draw."""
Score = Callable[[Statistics, Array, Aux, Link], tuple[Array, Array]]
StepScores = Callable[[Statistics, Array, Sequence[Any], Link], tuple[Array, Array]]
SharedInformation = Callable[[Statistics, Array, Aux, Link], Array]


# NUTS's target acceptance: Stan's own, and one for what few rows leave open: zeros beside a shape,
# thresholds in no order, responses that are mostly known to be beyond a limit. At 0.8 four or five
# of sixty such fits of 48 rows have a divergence, and no more effective draws (`make sbc`).
ACCEPT, ACCEPT_OPEN = 0.8, 0.95
# One for what bends all else, and two for densities with an edge: a response above its shift, an
# exponential part that a normal one may hardly blur.
ACCEPT_CURVED, ACCEPT_EDGE, ACCEPT_SOFT_EDGE = 0.98, 0.99, 0.995


def mean_itself(mu: Array, auxiliary: Aux) -> Array:
    """Return mu: the inverse link gives the mean."""
    return mu


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Family:
    """A response distribution, and what the rest of winstan needs to know of it.

    Attributes
    ----------
    name : str
    kind : str
        What the response is, see `Kind`.
    label : str
        The distribution in a methods paragraph: ``Student's t``.
    parameters : tuple of Parameter
        The mean first.
    template : str
        The Stan program that serves it: the name of one in ``stan/``, or the path of a file.
    support : callable
        ``support(sample)`` gives a mask of the rows whose response the family cannot produce, the
        words for what they should have been, and what to do.
    statistics : callable
        ``statistics(sample, cell, n_cells, predicted)``: what the likelihood needs of the rows of
        each cell, named as in the template; `predicted` names the parameters beside the mean that
        have a linear predictor.
    log_likelihood : callable
        ``log_likelihood(statistics, eta, auxiliary, link)``: the log density of all rows, with
        NumPy's functions or those of another `Namespace`, its last argument. A parameter beside the
        mean is a number, or of shape (C,) where it has a linear predictor.
    score : callable
        ``score(statistics, eta, auxiliary, link)``: per cell, the derivative of the log density
        by eta, and its expected information, shape (C,) each.
    scores : mapping of str to callable
        By parameter beside the mean that can have a linear predictor: a function of the arguments
        of `score` that gives, per cell, the derivative of the log density by the parameter itself,
        and its expected information (or a positive number near it).
    shared : mapping of (str, str) to callable
        By pair of parameters that are not orthogonal: a function of the arguments of `score` that
        gives, per cell, the expected information that they share, shape (C,): by eta of the mean,
        and by another parameter itself. Without it samplers take smaller steps.
    log_density : callable
        ``log_density(y, eta, auxiliary, link, trials)``: of single rows.
    draw : callable
        ``draw(rng, mu, auxiliary, trials)``: a response for each mu; of categories, mu has their
        probabilities along its last axis.
    category_probability : callable, or None
        ``category_probability(k, eta, auxiliary, link)``: of category k, counted from 0, where the
        response is one of several.
    threshold_score : callable, or None
        ``threshold_score(statistics, eta, auxiliary, link)``: the derivative of the log density of
        all rows by each element of an ordered parameter, shape (K - 1,).
    of_labels : callable, or None
        ``of_labels(family, labels)``: the family of a response with these categories, each but one
        of which has a parameter. The formula is that of each of them.
    step_scores : callable, or None
        ``step_scores(statistics, eta, thresholds, link)``, where each threshold can have a linear
        predictor of its own (`winstan.families.specific`): the score of each cell by what each
        threshold is held against, shape (K - 1, C), and the expected information that pairs of
        these have, shape (K - 1, K - 1, C). The thresholds may be numbers or have one for each
        cell.
    joint_score : callable, or None
        ``joint_score(statistics, eta, auxiliary, link)``, in place of `scores` and `shared` where
        these have most of their work in common: the scores by all linear predictors, shape (B, C),
        and their expected information, (B, B, C). The links of all but the mean's are the identity.
    reference : object
        The category without one; None is the first.
    starts : callable, or None
        ``starts(sample)``: where the linear predictors of such a family lie, on average.
    first_thresholds : callable, or None
        ``first_thresholds(shares, link)``: thresholds that give the categories these shares; None
        is those of `cumulative`.
    category_strip : callable, or None
        ``category_strip(n)``: the half-width of the strip about the real line of the linear
        predictor in which probabilities of n categories are analytic; None is the link's.
    softmax_place : callable, or None
        ``softmax_place(k)``, where probabilities are the softmax of zero and the linear predictors:
        which of these is category k's, 0 of the reference.
    softmax_of : int, or None
        That of the one category whose probability is the mean response.
    stan, pymc : Distribution, or None
        For `Fit.code`; None where the language does not have it.
    bambi : BambiFamily, or None
        None where bambi does not have it.
    aliases : tuple of str
        What the same distribution is called elsewhere, in lower case with ``_`` for other signs.
    absorbs_offset : mapping
        Per link under which an offset can be moved into the response: the function that moves it.
        Rows that differ by their offset alone then share a cell.
    response_mean : callable
        ``response_mean(mu, auxiliary)``: the mean response (per trial) where the inverse link
        gives mu; of angles the mean of their unit vectors, a complex number.
    mean_link : str or None
        The link by which the mean response follows the linear predictor, where it is not the
        response's own: ``log`` of lognormal.
    mean_strip : float or None
        Where the mean response follows no link: the half-width of the strip about the real line of
        the linear predictor in which it is analytic, and grows no faster than its exponential. Its
        mean over a population is then found by quadrature.
    scale_part : callable or None
        ``scale_part(sample)``: the responses of which `parameters`' first is the mean, where these
        are not all, nor as they are: the rows above zero. They set the scale of default priors.
    masses : tuple of float
        Values that have a probability of their own among a continuum.
    log_response : bool
        The distribution is that of log y.
    noise : str or None
        The parameter that is the scale of additive noise.
    tails : str or None
        The parameter that says how heavy the noise's tails are, where the family has it and the
        scale, both positive and in this order, and no other: where tails are heavier, the scale is
        smaller.
    precision : str or None
        The positive parameter that grows without bound where the formula gives the response
        exactly: its inverse square root is the noise's share of what the response can vary by.
    conjugate : bool
        Normal about the linear predictor with one sd, `noise`, and the statistics of
        `winstan.families.gaussian`, so that coefficients and effects can be integrated out.
    elliptical : Elliptical, or None
        None where rows of a unit have no joint density that the family gives.
    exponential_family : bool
        A model of it is a generalised linear one.
    variance, excess_kurtosis : callable, or None
        ``variance(mu)`` of a trial or unit of exposure, and ``excess_kurtosis(mu, size)`` of a row,
        where both follow from the mean: such data may vary more than the family allows.
    above_zero : callable, or None
        ``above_zero(mu)``: mean, variance and excess kurtosis of the rows above zero, where zeros
        are told apart from what these vary by.
    response_variance : callable, or None
        ``response_variance(mu, auxiliary)``: that of a response where the inverse link gives mu,
        for families of which `variance` does not say it.
    wider : str or None
        The family to name where they do.
    zeros : tuple of str
        The families with zeros of their own to name where there are more than this one gives.
    dense_metric : bool
        The posterior correlates the mean and the other parameters so closely that samplers should
        learn how (a shift and what is beyond it).
    profiled : str or None
        The number that all else follows along a curve (`winstan.approximation.profile`).
    noise_information : NoiseInformation or None
        How the rows' information follows a number, of a template that has coordinates for it
        (`winstan.coordinates.conditional`).
    target_accept : float
        NUTS's target acceptance where nothing else asks for a higher one: above Stan's own 0.8
        where few rows leave the parameters so open that its steps diverge.
    accept_predicted : mapping of str to float
        The same by the parameter that has a formula, where few rows tell of each of its values.
    usual : bool
        Whether messages name it to those whose response is of its kind.
    cumulative : Cumulative, or None
        Its distribution function; None where its responses cannot be censored.
    sufficient : tuple of str
        Functions of the response (of `winstan.data.grouped.FUNCTIONS`, the identity first) whose
        means and sums of squares over rows say all that `statistics` needs of them; none where
        each value counts.
    """

    name: str
    kind: Kind
    label: str
    parameters: tuple[Parameter, ...]
    template: str
    support: Callable[[Sample], tuple[np.ndarray, str, str]]
    statistics: Callable[[Sample, np.ndarray, int, Collection[str]], Statistics]
    log_likelihood: Callable[..., Any]
    score: Score
    log_density: Callable[[Array, Array, Aux, Link, Any], Array]
    draw: Callable[[np.random.Generator, Array, Aux, Any], Array]
    scores: Mapping[str, Score] = field(default_factory=dict)
    shared: Mapping[tuple[str, str], SharedInformation] = field(default_factory=dict)
    category_probability: Callable[[int, Array, Aux, Link], Array] | None = None
    threshold_score: Callable[[Statistics, Array, Aux, Link], Array] | None = None
    of_labels: Callable[[Family, Sequence[Any]], Family] | None = None
    step_scores: StepScores | None = None
    joint_score: Score | None = None
    reference: Any = None
    starts: Callable[[Sample], tuple[float, ...]] | None = None
    first_thresholds: Callable[[Array, Link], Array] | None = None
    category_strip: Callable[[int], float] | None = None
    softmax_place: Callable[[int], int] | None = None
    softmax_of: int | None = None
    stan: Distribution | None = None
    pymc: Distribution | None = None
    bambi: BambiFamily | None = None
    aliases: tuple[str, ...] = ()
    absorbs_offset: Mapping[str, Callable[[Sample], Sample]] = field(default_factory=dict)
    response_mean: Callable[[Array, Aux], Array] = mean_itself
    mean_link: str | None = None
    mean_strip: float | None = None
    scale_part: Callable[[Sample], Sample] | None = None
    masses: tuple[float, ...] = ()
    log_response: bool = False
    noise: str | None = None
    tails: str | None = None
    precision: str | None = None
    conjugate: bool = False
    elliptical: Elliptical | None = None
    exponential_family: bool = False
    variance: Callable[[Array], Array] | None = None
    excess_kurtosis: Callable[[Array, Array], Array] | None = None
    above_zero: Callable[[Array], tuple[Array, Array, Array]] | None = None
    response_variance: Callable[[Array, Aux], Array] | None = None
    wider: str | None = None
    zeros: tuple[str, ...] = ()
    dense_metric: bool = False
    profiled: str | None = None
    noise_information: NoiseInformation | None = None
    target_accept: float = ACCEPT
    accept_predicted: Mapping[str, float] = field(default_factory=dict)
    usual: bool = False
    cumulative: Cumulative | None = None
    sufficient: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = self._wrong([parameter.name for parameter in self.parameters])
        if wrong:
            raise FamilyError(f"The family {self.name!r} cannot have {wrong}.")

    def _wrong(self, names: list[str]) -> str | None:
        """Say which attribute contradicts the others, if one does."""
        if self.of_categories and self.category_probability is None:
            return f"kind={self.kind!r} without category_probability"
        links = {"mean_link": (self.mean_link,), "absorbs_offset": (*self.absorbs_offset,)}
        roles = {name: getattr(self, name) for name in ("noise", "precision", "profiled")}
        return (
            wrong_parameters(self.parameters)
            or wrong_names(names, self.kind, self.scores, self.shared, links)
            or wrong_roles(names, roles, self.tails, conjugate=self.conjugate)
        )

    def __repr__(self) -> str:
        return f"Family({self.name!r})"

    @property
    def links(self) -> tuple[str, ...]:
        """The links that the mean can have, its default first."""
        return self.parameters[0].links

    @property
    def auxiliary(self) -> tuple[str, ...]:
        """Names of the parameters beside the mean."""
        return tuple(parameter.name for parameter in self.parameters[1:])

    @property
    def whole(self) -> bool:
        """The response is a whole number."""
        return self.kind in ("count", "binary", "successes") or self.of_categories

    @property
    def of_categories(self) -> bool:
        """The response is one of several categories, held as their places."""
        return self.kind in ("ordered", "unordered")

    @property
    def of_trials(self) -> bool:
        """The mean is a probability, of each trial's success."""
        return self.kind in ("binary", "successes")

    @property
    def trials(self) -> bool:
        """The response counts successes among trials."""
        return self.kind == "successes"

    @property
    def circular(self) -> bool:
        """The response is an angle: means, spreads and intervals are those of directions."""
        return self.kind == "circular"

    @property
    def positive_mean(self) -> bool:
        """The mean is positive, so that the identity and inverse links confine eta."""
        return self.parameters[0].domain == "positive"

    @property
    def residuals(self) -> CorrelatedAs:
        """As what the rows of a unit are correlated: see `CorrelatedAs`."""
        if self.conjugate:
            return "integrated"
        return "latent" if self.elliptical is None else "joint"

    @property
    def thresholds(self) -> Parameter | None:
        """The parameter that is a vector of thresholds, if there is one."""
        return next((p for p in self.parameters if p.is_vector), None)

    @property
    def means(self) -> tuple[str, ...]:
        """The parameters that the priors of the classes b and sd are for."""
        n = len(self.parameters) if self.kind == "unordered" else 1
        parts = (p for p in self.parameters[n:] if p.shared_name)
        return tuple(parameter.name for parameter in (*self.parameters[:n], *parts))

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of this name."""
        return next(parameter for parameter in self.parameters if parameter.name == name)

    def confines(self, link: Link) -> bool:
        """Whether some linear predictors have no mean: those that are not positive."""
        return self.positive_mean and link.name != "log"

    def log_densities(
        self, y: Array, eta: Array, auxiliary: Aux, link: Link, trials: Array | Limits | None = None
    ) -> Array:
        """Return the log density of each response at each linear predictor.

        Parameters
        ----------
        y : ndarray, shape (n,)
            Responses in their own units; of a binomial response, successes.
        eta : ndarray, shape (S, n)
            Linear predictors, offsets included.
        auxiliary : mapping
            The parameters beside the mean, by name; broadcast against `eta`.
        link
        trials : ndarray, shape (n,), optional
            Of a binomial response; the `Limits` of one that has any.

        Returns
        -------
        ndarray, shape (S, n)
        """
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            return self.log_density(y, eta, auxiliary, link, trials)

    def draw_responses(
        self,
        rng: np.random.Generator,
        mu: Array,
        auxiliary: Aux,
        trials: Array | Limits | None = None,
    ) -> Array:
        """Draw a response for each mean.

        Parameters
        ----------
        rng
        mu : ndarray
            What the inverse link gives: the mean, the mean of log y (lognormal), or the probability
            of success.
        auxiliary : mapping
            The parameters beside the mean, by name; broadcast against `mu`.
        trials : ndarray, optional
            Of a binomial response, broadcast against `mu`; the `Limits` of one that has any.

        Returns
        -------
        ndarray
            Of the shape of `mu`, in the units of the response: counts of successes for binomial.
        """
        # Vague priors reach means beyond the largest double: infinity is then the answer.
        with np.errstate(over="ignore"):
            return self.draw(rng, mu, auxiliary, trials)

    def link(self, name: str | None) -> Link:
        """Return the family's link of this name; None is its default.

        Raises
        ------
        FamilyError
            If the family has no such link.
        """
        if name is None:
            return LINKS[self.links[0]]
        if name not in self.links:
            raise FamilyError(
                f"The {self.name} family has no link {name!r}; it has {', '.join(self.links)}."
                + foreign.link_remedy(str(name), self.links)
            )
        return LINKS[name]
