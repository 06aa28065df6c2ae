"""Codings and functions that formulae does not have, written into a bambi program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winstan.backends.program_names import number, quote
from winstan.design import levels_coded
from winstan.formula.binning import BIN, Bins
from winstan.formula.codings import CONTRASTS, contrast_of, encoding_of
from winstan.formula.group_means import GROUP_MEANS
from winstan.formula.tree import Call, Name, walk

if TYPE_CHECKING:
    from winstan.model import Model

_CLASS = '''
class Coding(Encoding):
    """Labels and columns of a factor, by its levels."""

    def __init__(self, columns):
        self.columns = columns

    def __call__(self, *options, **named):
        return self

    def code_without_intercept(self, levels):
        labels, rows = self.columns[tuple(levels)]
        return ContrastMatrix(np.array(rows, float), labels)

    def code_with_intercept(self, levels):
        own = self.code_without_intercept(levels)
        columns = np.column_stack([np.ones(len(levels)), own.matrix])
        return ContrastMatrix(columns, ["mean", *own.labels])

'''.splitlines()


_MEANS = 'x.groupby(list(g), observed=True).transform("mean")'
# Of bambi's rows, which are repeated by their weights (winstan.formula.group_means).
_FUNCTIONS = {"within": f"x - {_MEANS}", "between": _MEANS}
_BIN = [
    "",
    "def bin(x, n=200):",
    "    low, step = x.min(), (x.max() - x.min()) / (n - 1)",
    "    return low + step * np.floor((x - low) / step + 0.5)",
    "",
]


def definitions(model: Model) -> tuple[list[str], list[str]]:
    """Write what a formula needs that formulae does not have.

    Returns
    -------
    definitions : list of str
        Lines that go before the model.
    names : list of str
        What the model needs as its ``extra_namespace``.
    """
    lines, names = codings_program(model)
    for name, function in GROUP_MEANS.items():
        if model.design.names.get(name) is function:
            lines += ["", f"def {name}(x, *g):", f"    return {_FUNCTIONS[name]}", ""]
            names.append(name)
    if model.design.names.get(BIN) is Bins:
        lines += _BIN
        names.append(BIN)
    return lines, names


def codings_program(model: Model) -> tuple[list[str], list[str]]:
    """Write the codings that a formula names.

    Returns
    -------
    definitions : list of str
        Lines that go before the model; none where formulae has every coding.
    names : list of str
        What the model needs as its ``extra_namespace``.
    """
    tables: dict[str, dict[tuple[Any, ...], str]] = {}
    names = model.design.names
    for atom in (atom for formula in model.formula.every for atom in formula.atoms):
        for call in walk(atom.node):
            name = _coding_name(call, names)
            if isinstance(call, Call) and name:
                levels = levels_coded(call, model.design.predictors, names)
                own = encoding_of(call, names).code_without_intercept(levels)
                rows = ", ".join(f"[{', '.join(map(number, row))}]" for row in own.matrix)
                labels = ", ".join(map(quote, own.labels))
                tables.setdefault(name, {})[tuple(levels)] = f"([{labels}], [{rows}])"
    if not tables:
        return [], []
    lines = ["from formulae.categorical import ContrastMatrix, Encoding", "", *_CLASS, ""]
    for name, by_levels in tables.items():
        lines += [f"{name} = Coding({{"]
        lines += [f"    {levels!r}: {table}," for levels, table in by_levels.items()]
        lines += ["})"]
    return [*lines, ""], list(tables)


def _coding_name(node: Any, names: Any) -> str:
    """Return the name of a call's coding, where formulae has none of that name."""
    match contrast_of(node) if isinstance(node, Call) else None:
        case Name(text) | Call(text) if text in CONTRASTS or text in names:
            return text
    return ""
