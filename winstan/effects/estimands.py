"""Estimands: whose mean response an effect is about, by the ``groups=`` option."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winstan.effects.comparisons import columns_of_effects, formulas_of
from winstan.effects.means import designs_of
from winstan.effects.population import (
    has_population_mean,
    is_stable,
    mean_link,
    noisy_parameters,
)
from winstan.errors import OptionError, near_matches
from winstan.options import Groups, choices

if TYPE_CHECKING:
    from winstan.effects.specification import Specified

GROUPS = choices(Groups)
NAMED = "'these', 'typical', 'population' or 'new'"


@dataclass(frozen=True, slots=True)
class Estimand:
    """Whose mean response is asked for.

    Attributes
    ----------
    settings : mapping of str to str
        One of `GROUPS` for each group factor.
    single : frozenset of str
        Factors whose levels are asked for one by one: in ``"these"`` they are not averaged.
    no_offset : bool
        Whether the formula has an offset, and the answer is at an offset of zero.
    """

    settings: Mapping[str, str]
    single: frozenset[str] = frozenset()
    no_offset: bool = False

    @property
    def name(self) -> str:
        """The option: ``population``; where factors differ, ``mouse: these, neuron: new``."""
        values = list(dict.fromkeys(self.settings.values()))
        if len(values) == 1:
            return values[0]
        return ", ".join(f"{factor}: {value}" for factor, value in self.settings.items())

    @property
    def words(self) -> str:
        """Whom the answer is about, such as ``in the population of mouse``, and at which offset.

        "" where there are neither groups nor an offset.
        """
        these, new = self.of("these"), self.of("new")
        parts = {
            "in each {} by itself": [f for f in these if f in self.single],
            "averaged over these levels of {}": [f for f in these if f not in self.single],
            "in a typical {}": self.of("typical"),
            "in the population of {}": self.of("population"),
            "in a new {}": [f for f in new if f not in self.single],
            "in each {} by itself, new ones drawn": [f for f in new if f in self.single],
        }
        said = [words.format(" and ".join(of)) for words, of in parts.items() if of]
        return ", ".join([*said, "at an offset of zero"] if self.no_offset else said)

    @property
    def label(self) -> dict[str, str]:
        """The column of a table that says whose effect each row is; none without group terms."""
        return {"groups": self.name} if self.settings else {}

    @property
    def attrs(self) -> dict[str, str]:
        """What a table's ``attrs`` say of it: the option, and the words, where there are any."""
        options = {"groups": self.name} if self.settings else {}
        return options | ({"estimand": self.words} if self.words else {})

    def of(self, setting: str) -> list[str]:
        """Return the factors that have a setting."""
        return [factor for factor, value in self.settings.items() if value == setting]


def choose_estimand(
    model: Specified, groups: Any, columns: Iterable[str] = (), *, beside: bool = False
) -> Estimand:
    """Read a ``groups=`` option, or take the default.

    Parameters
    ----------
    model
    groups
        One of `GROUPS` for all factors; a mapping from factors to one of them, where factors that
        it leaves out have the default; or None for the default of all.
    columns
        Columns that the question sets or divides by.
    beside
        Whether all other parameters matter, as for a response.

    Returns
    -------
    Estimand

    Raises
    ------
    OptionError
        If a setting or a factor is unknown, the link has no population mean, or the question is
        about levels of a group factor, which are members of the population and not the whole of it.

    Notes
    -----
    The default is the population where its mean has a stable posterior, and a typical group where
    it has none: under log and inverse links, and where another parameter that the mean depends on
    has group effects too. A question about levels of a group factor itself
    (``by="mouse"``) is about these groups. docs/estimands.md has the simulation behind it.
    """
    factors = factors_of(model, beside=beside)
    no_offset = any(formula.offset_atoms for formula in formulas_of(model))
    members = {name for name in columns if is_grouping_only(model, name)}
    pairs = [
        pair
        for one in designs_of(model, beside=beside)
        for pair in zip(one.groups, one.memory.factors, strict=True)
    ]
    single = frozenset(group.factor for group, of in pairs if set(of.columns) <= members)
    averaged = is_stable(model) and not noisy_parameters(model, factors)
    default = "these" if members else "population" if averaged else "typical"
    if groups is None:
        return Estimand(dict.fromkeys(factors, default), single, no_offset)
    settings = dict.fromkeys(factors, default) | _settings(model, factors, groups)
    wrong = [name for name in single if settings[name] in ("population", "new")]
    if wrong:
        raise OptionError(
            f"groups={settings[wrong[0]]!r} is not about single levels of {wrong[0]!r}, which are "
            "of the data: use groups='these'."
        )
    population = {name for name, setting in settings.items() if setting == "population"}
    if noisy := noisy_parameters(model, population):
        why = "over normal effects on its logarithm it is not finite"
        if not model.family.log_response:
            why = "effects on two parameters are not integrated out together"
        raise OptionError(
            f"groups='population' has no answer where {noisy[0]!r} has group effects: the mean of "
            f"a {model.family.name} response depends on it, and {why}. Use groups='typical' or "
            "'these'."
        )
    if population and not has_population_mean(model):
        raise OptionError(
            f"groups='population' has no answer under the {mean_link(model)} link: the mean over "
            "normal group effects does not exist, because the linear predictor may be zero. Use "
            "groups='typical' or 'these', or another link."
        )
    return Estimand(settings, single, no_offset)


def factors_of(model: Specified, *, beside: bool = False) -> list[str]:
    """Return the names of the group factors that an answer depends on, each once."""
    designs = designs_of(model, beside=beside)
    return list(dict.fromkeys(group.factor for one in designs for group in one.groups))


def is_grouping_only(model: Specified, column: str) -> bool:
    """Whether a column names groups, and is no predictor of the mean."""
    designs = designs_of(model)
    factors = {c for one in designs for factor in one.memory.factors for c in factor.columns}
    return column in factors and column not in columns_of_effects(model)


def check_groups(groups: Any) -> None:
    """Refuse what is not one of `GROUPS`.

    Raises
    ------
    OptionError
    """
    if not isinstance(groups, str) or groups not in GROUPS:
        raise OptionError(
            f"groups must be {NAMED}, not {groups!r}{_of_old(groups)}; or one of them for each "
            "factor: groups={'mouse': 'new'}."
        )


def _settings(model: Specified, factors: list[str], groups: Any) -> dict[str, str]:
    """Return the settings of the factors that the option names."""
    if not isinstance(groups, Mapping):
        check_groups(groups)
        return dict.fromkeys(factors, groups)
    for name, setting in groups.items():
        if name not in factors:
            raise OptionError(
                f"groups= names {name!r}, which is no group factor of {model.formula.text!r}."
                + near_matches(str(name), factors)
            )
        if not isinstance(setting, str) or setting not in GROUPS:
            raise OptionError(
                f"groups= gives {setting!r} for {name!r}{_of_old(setting)}: it must be {NAMED}."
            )
    return dict(groups)


def _of_old(setting: Any) -> str:
    """Say what a word for groups that other tools have is called here."""
    known = {"average": "these", "zero": "typical"}
    name = known.get(setting) if isinstance(setting, str) else None
    return f" (which is called {name!r})" if name else ""
