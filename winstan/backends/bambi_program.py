"""A short bambi program for one model, in the user's names, to read and to publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.bambi_levels import potential_program
from winstan.backends.program_names import number, one_line, quoted, speakable
from winstan.formula.tree import Name, quote_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.model import Model


class Writer:
    """Stands in for bambi where priors are made: writes them as source instead."""

    @staticmethod
    def Prior(kind: str, **numbers: Any) -> str:  # noqa: N802 - bambi's name
        """Write a prior."""
        said = "".join(f", {name}={_value(value)}" for name, value in numbers.items())
        return f'bmb.Prior("{kind}"{said})'


def bambi_program(
    model: Model, family: str, priors: Mapping[str, str], *, repeated: bool = False
) -> str:
    """Write a self-contained bambi program for a model.

    Parameters
    ----------
    model
    family
        bambi's name of it.
    priors
        By bambi's name of the parameter, as source from `Writer`. Group terms have the factor's
        name as winstan gives it.
    repeated
        Whether frequency weights are rows repeated.

    Returns
    -------
    str
        Source that makes ``model`` of ``data``, the user's data frame without incomplete rows.
        Comments tell of columns that have to be put there first.
    """
    left = _Columns(model, repeated=repeated)
    response = left.response()
    right = [model.formula.common, *(f"offset({offset})" for offset in model.formula.offset)]
    factors = {}
    for spec in model.formula.groups:
        factors[spec.factor] = left.factor(spec.factor_columns)
        right.append(f"({spec.effects}|{quote_name(factors[spec.factor])})")
    for column, values in model.design.predictors.items():
        if values.dtype == bool:
            left.made[str(column)] = f"{left.of(str(column))}.astype(int)"

    made = [f"{left.of(name)} = {value}" for name, value in left.made.items()]
    if repeated:
        made.append(f"data = data.loc[data.index.repeat({left.of('weight')}.astype(int))]")
    said, aliases = [], {}
    for name, prior in priors.items():
        effect, bar, factor = name.partition("|")
        theirs = effect + bar + factors.get(factor, factor)
        said.append(f"    {quoted(theirs)}: {prior},")
        if speakable(theirs) != theirs:
            aliases[theirs] = speakable(theirs)
    lines = [
        f"# {one_line(model.formula.text)}",
        f"# family {model.family.name}, link {model.link.name}",
        "# `data`: the data frame, without rows that miss a value.",
        *(f"# {quoted(name)} in it: {what}." for name, what in left.given.items()),
        "",
        "import bambi as bmb",
        *(["import numpy as np"] if any("np." in line for line in [*made, *right]) else []),
        "",
        *(["data = data.copy()", *made, ""] if made else []),
        *["priors = {", *said, "}"],
        *([] if model.level_means is None else potential_program(model)),
        "model = bmb.Model(",
        f"    {quoted(f'{response} ~ ' + ' + '.join(right))},",
        "    data,",
        f'    family="{family}",',
        f'    link="{model.link.name}",',
        "    priors=priors,",
        *([] if model.level_means is None else ["    potentials=[levels],"]),
        "    auto_scale=False,",
        f"    center_predictors={model.center},",
        ")",
    ]
    if aliases:
        lines += [
            "# Names of variables have no slash in PyMC, and those of dims no comma in nutpie.",
            "model.set_alias({",
            *(f"    {quoted(name)}: {quoted(alias)}," for name, alias in aliases.items()),
            "})",
        ]
    return "\n".join(lines) + "\n"


class _Columns:
    """Columns beside the user's own: those that the program makes, and those that it is given."""

    def __init__(self, model: Model, *, repeated: bool) -> None:
        self.model = model
        self.repeated = repeated
        self.made: dict[str, str] = {}
        self.given: dict[str, str] = {}

    def of(self, column: str) -> str:
        return f"data[{quoted(column)}]"

    def new(self, name: str) -> str:
        while name in self.model.formula.columns:
            name += "_"
        return name

    def response(self) -> str:
        """Write the left side."""
        spec, response = self.model.formula.response_spec, self.model.design.response
        atom, name = spec.value, spec.value.name
        if not isinstance(atom.node, Name):
            name = self.new("response")
            self.given[name] = atom.text
        elif "/" in name:
            plain = self.new("response")
            self.made[plain] = self.of(name)
            name = plain
        if response.levels is not None:
            success = self.new("success")
            self.made[success] = f"({self.of(name)} == {response.levels[-1]!r}).astype(int)"
            name = success
        elif self.model.family.log_response:
            log = self.new("log_response")
            self.made[log] = f"np.log({self.of(name)})"
            name = log
        if self.repeated:
            self.given["weight"] = "the frequency weights"
        if response.trials is not None:
            trials = self.new("trials")
            if spec.trials and isinstance(spec.trials.node, Name):
                trials = spec.trials.name
            elif np.ptp(response.trials) == 0:
                self.made[trials] = str(int(response.trials[0]))
            else:
                self.given[trials] = "the number of trials"
            return f"p({quote_name(name)}, {quote_name(trials)})"
        if self.model.design.weights is not None and not self.repeated:
            weight = self.new("weight")
            self.given[weight] = "the frequency weights"
            return f"weighted({quote_name(name)}, {weight})"
        return quote_name(name)

    def factor(self, columns: tuple[str, ...]) -> str:
        """Name a factor's column; the combinations of several columns become one."""
        if len(columns) == 1:
            return columns[0]
        name = self.new("_by_".join(columns))
        self.made[name] = ' + ":" + '.join(f"{self.of(c)}.astype(str)" for c in columns)
        return name


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"[{', '.join(map(number, value))}]" if np.ndim(value) else number(value)
