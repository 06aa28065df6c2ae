"""The user's priors and the defaults, resolved onto a model's parameters.

`resolve` gives one prior to each scalar parameter, so that every backend gets the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from winstan._text import find_name
from winstan.errors import PriorError, near_matches
from winstan.priors.distributions import Flat
from winstan.priors.multivariate import Dirichlet
from winstan.priors.prior import Prior

if TYPE_CHECKING:
    from collections.abc import Iterable

CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "b": "all population-level coefficients of the mean",
        "sd": "all standard deviations of groups, on the mean",
        "corr": "all correlations",
        "simo": "all simplexes of mo()",
    }
)
"""Keys of ``priors=`` that reach many parameters, and which."""


_FLAT = Flat()


@dataclass(frozen=True, slots=True)
class PriorSlot:
    """A scalar parameter (or one correlation matrix) that waits for its prior.

    Attributes
    ----------
    name : str
        The parameter as the user knows it: ``stim``, ``cond[b]``, ``1|mouse_sigma``.
    keys : tuple of str
        Names in ``priors=`` that reach it, the most specific first.
    domain : {"real", "positive", "unit", "ordered", "vector", "simplex", "correlation"}
    default : Prior
    kind : {"b", "sd", "corr", "simo"}, or None
        The class that it is of, which reaches it after all names.
    share_of : str or None
        Of what the prior's parameter is a share, in words, where the prior is of that share.
    size : int
        Shares of a simplex.
    """

    name: str
    keys: tuple[str, ...]
    domain: str
    default: Prior
    kind: str | None = None
    share_of: str | None = None
    size: int = 1


@dataclass(frozen=True, slots=True)
class Priors:
    """One prior for each parameter, in the units of the data; prints as a table.

    Attributes
    ----------
    table : mapping of str to Prior
        By parameter name, in the model's order.
    given : frozenset of str
        Names whose prior the user gave; the others are defaults.
    at_mean : frozenset of str
        Names whose prior is at the mean of the (other) predictors, not at their zero: the
        Intercept, or the thresholds or level columns that stand for it.
    ordered : frozenset of str
        Names of ordered vectors, whose prior is of all their elements.
    shares : mapping of str to str
        By name, of what a parameter has its prior as a share.
    """

    table: Mapping[str, Prior]
    given: frozenset[str] = frozenset()
    at_mean: frozenset[str] = frozenset()
    ordered: frozenset[str] = frozenset()
    shares: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Prior:
        found = name if name in self.table else find_name(name, self.table)
        if found is None:
            raise PriorError(f"There is no parameter {name!r}." + near_matches(name, self.table))
        return self.table[found]

    def of(self, name: str) -> Prior:
        """Return the prior of what is sampled: flat where a prior of what it makes holds instead.

        That is of the steps between thresholds, and of the Intercept that shifts them.
        """
        return self.table.get(name, _FLAT)

    def __str__(self) -> str:
        width = max(map(len, self.table), default=0)
        lines = []
        for name, prior in self.table.items():
            note = "" if name in self.given else "  (default)"
            place = self.place(name)
            lines.append(f"{name:<{width}}  ~  {prior}{note}" + (f"  {place}" if place else ""))
        return "\n".join(lines)

    def place(self, name: str) -> str:
        """Say where a parameter's prior is: "at the mean of the predictors", or nothing."""
        if name in self.shares:
            return f"as a share of {self.shares[name]}"
        if name not in self.at_mean:
            return ""
        others = "" if name.endswith("Intercept") or name in self.ordered else "other "
        return f"at the mean of the {others}predictors"

    def __repr__(self) -> str:
        return str(self)


def resolve(
    slots: Iterable[PriorSlot],
    overrides: Mapping[str, Prior] | None,
    *,
    at_mean: Iterable[str] = (),
) -> Priors:
    """Give each slot the user's most specific prior, or else its default.

    Parameters
    ----------
    slots
        The model's parameters.
    overrides
        The user's ``priors=``: by parameter name, or by class (``"b"`` all coefficients, ``"sd"``
        all group standard deviations, ``"corr"`` all correlations, ``"simo"`` all simplexes of
        ``mo()``). Where a parameter has the name of a class, ``"`b`"`` is the parameter and
        ``"class b"`` the class.
    at_mean
        Names whose prior is at the mean of the predictors.

    Raises
    ------
    PriorError
        If a key reaches no parameter, or may mean a parameter or a class, or a prior cannot stand
        where it was put.
    """
    slots = tuple(slots)
    if overrides is not None and not isinstance(overrides, Mapping):
        raise PriorError(
            f'priors= must be a dict, such as {{"b": ws.Normal(0, 1)}}; got {overrides!r}.'
        )
    overrides = dict(overrides or {})
    for key, prior in overrides.items():
        if not isinstance(prior, Prior):
            raise PriorError(
                f"The prior of {key!r} must be one of winstan's prior objects, such as "
                f"ws.Normal(0, 1); got {prior!r}."
            )
    by_name, by_class = _meanings(slots, overrides)
    reached: set[str] = set()
    table: dict[str, Prior] = {}
    given: set[str] = set()
    for slot in slots:
        keys = [by_name[name] for name in slot.keys if name in by_name]
        keys += [by_class[slot.kind]] if slot.kind and slot.kind in by_class else []
        reached.update(keys)
        prior = overrides[keys[0]] if keys else slot.default
        _check_domain(slot, prior)
        table[slot.name] = prior
        if keys:
            given.add(slot.name)
    unknown = [key for key in overrides if key not in reached]
    if unknown:
        known = dict.fromkeys(
            key for slot in slots for key in (*slot.keys, slot.kind) if key is not None
        )
        raise PriorError(
            f"priors= names {unknown[0]!r}, which this model does not have."
            + near_matches(str(unknown[0]), known)
        )
    ordered = frozenset(slot.name for slot in slots if slot.domain in ("ordered", "vector"))
    shares = {slot.name: slot.share_of for slot in slots if slot.share_of is not None}
    return Priors(table, frozenset(given), frozenset(at_mean), ordered, shares)


def _meanings(
    slots: tuple[PriorSlot, ...], overrides: Mapping[str, Prior]
) -> tuple[dict[str, str], dict[str, str]]:
    """Tell keys that are names of parameters from those of classes: what is meant, to the key."""
    names = {name for slot in slots for name in slot.keys}
    by_name: dict[str, str] = {}
    by_class: dict[str, str] = {}
    for key in overrides:
        word = str(key)
        if word in CLASSES and word in names:
            raise PriorError(
                f"priors= names {word!r}, which is both a predictor of this model and the class "
                f'of {CLASSES[word]}. Write "`{word}`" (in back-ticks) for the predictor, or '
                f"'class {word}' for the class."
            )
        plain = word.removeprefix("class ")
        if plain in CLASSES and word not in names:
            meanings, meant = by_class, plain
        elif word not in names and len(word) > 2 and word[0] == word[-1] == "`":
            meanings, meant = by_name, _named(word[1:-1], names)
        else:
            meanings, meant = by_name, _named(word, names)
        if meant in meanings:
            raise PriorError(
                f"priors= has two priors for one key: {meanings[meant]!r} and {word!r} mean the "
                "same. Leave one out."
            )
        meanings[meant] = key
    return by_name, by_class


def _named(word: str, names: Iterable[str]) -> str:
    """Name a parameter as the model does, ``I(x/10)`` as ``I(x / 10)``; a class stays."""
    return word if word in CLASSES else find_name(word, names) or word


def _check_domain(slot: PriorSlot, prior: Prior) -> None:
    if slot.domain in prior.domain:
        if isinstance(prior, Dirichlet):
            _check_concentrations(slot, prior)
        return
    remedy = {
        "real": "It can be negative: use Normal, StudentT, Cauchy or Flat.",
        "positive": "It is positive: use HalfNormal, HalfStudentT, HalfCauchy, Exponential, "
        "Gamma, InverseGamma or Flat.",
        "unit": "It is between 0 and 1: use Beta or Flat.",
        "vector": "They can be negative: use Normal, StudentT, Cauchy or Flat, for each of them.",
        "ordered": "They are thresholds in increasing order: use Dirichlet (of the categories' "
        "probabilities), or Normal, StudentT, Cauchy or Flat for each of them.",
        "simplex": "Its shares add up to one: use Dirichlet(1), or a number for each step, such "
        "as Dirichlet((2, 1, 1)).",
        "correlation": "It is a correlation, or a matrix of them: use LKJ, of which LKJ(1) is "
        "uniform.",
    }[slot.domain]
    if slot.share_of is not None:
        remedy = f"It has its prior as a share of {slot.share_of}: use Beta or Flat."
    raise PriorError(f"{prior} cannot be the prior of {slot.name!r}. {remedy}")


def _check_concentrations(slot: PriorSlot, prior: Dirichlet) -> None:
    """Refuse as many concentrations as there are no shares; of categories there is one."""
    if len(prior.numbers) in (1, slot.size):
        return
    needed = "one number, of all categories"
    if slot.domain == "simplex":
        needed = f"{slot.size} numbers, one of each step, or one for all"
    raise PriorError(
        f"{prior} cannot be the prior of {slot.name!r}: it has {len(prior.numbers)} numbers, and "
        f"takes {needed}."
    )
