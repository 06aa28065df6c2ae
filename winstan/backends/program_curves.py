"""Curves in programs for readers: their columns are data, their coefficients standard normals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from winstan.backends.program_names import number, quote, speakable
from winstan.backends.pymc_statements import deterministic, normal
from winstan.backends.stan_statements import prior_of, stan_number
from winstan.design.dims import dim_of, level_dim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.backends.program_names import Names
    from winstan.backends.program_pieces import Column
    from winstan.backends.pymc_statements import Called
    from winstan.design import RandomTerm
    from winstan.design.smooths import Smooth
    from winstan.priors import Prior, Priors


@dataclass(frozen=True, slots=True, eq=False)
class CurveNumbers:
    """Sds of a curve, or its length-scales, under their names.

    Attributes
    ----------
    variable
        As they are reported: ``sds_s(t)``.
    name
        What the program calls them.
    dims
        Dim and labels; none of one number.
    priors
        One for each.
    """

    variable: str
    name: str
    dims: Mapping[str, tuple[object, ...]]
    priors: tuple[Prior, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Their labels; none of one number."""
        return tuple(str(label) for labels in self.dims.values() for label in labels)

    def stan(self) -> str:
        """Declare them in Stan."""
        kind = f"vector<lower=0>[{len(self.labels)}]" if self.labels else "real<lower=0>"
        said = f"  // {', '.join(self.labels)}".encode("ascii", "replace").decode()
        return f"{kind} {self.name};{said if self.labels else ''}"

    def stan_priors(self) -> list[str]:
        """Write their priors in Stan."""
        places = [f"[{i + 1}]" for i in range(len(self.labels))] or [""]
        return [prior_of(self.name + i, p) for i, p in zip(places, self.priors, strict=True)]

    def pymc(self, called: Called) -> list[str]:
        """Write them with their priors in PyMC."""
        dims = tuple(map(speakable, self.dims))
        return called.variable(
            self.name, self.variable, self.priors, self.labels, dims, domain="positive"
        )


@dataclass(frozen=True, slots=True, eq=False)
class WrittenCurve:
    """A curve under its names: of all rows, of each level of ``by=``, or of groups.

    Attributes
    ----------
    variable
        Its coefficients as they are reported: ``s(t, by=cond)``, ``s(t)|mouse``.
    dim
        That of its columns.
    parameter
        Whose linear predictor it is on.
    columns
        Of a row: all levels' of ``by=``, those of other levels zero.
    tail
        What follows z_ and u_ in the names of its coefficients.
    numbers
        Its sds, and of a Gaussian process then its length-scales.
    level
        The column of its groups, where these have a curve each.
    step
        Of a Gaussian process's frequencies, which are its multiples; zero of a spline.
    """

    variable: str
    dim: str
    parameter: str
    columns: Column
    tail: str
    numbers: tuple[CurveNumbers, ...]
    level: Column | None
    step: float

    @property
    def _curves(self) -> int:
        """Levels of ``by=``; 0 without."""
        return 0 if self.level is not None else len(self.numbers[0].labels)

    @property
    def _width(self) -> int:
        """Columns of one curve."""
        return self.columns.levels // max(1, self._curves)

    @property
    def comments(self) -> list[str]:
        """Say what it is."""
        columns, u = self.columns.name, f"u_{self.tail}"
        lines = [f"{columns}: columns of {self.variable}; {u}: their coefficients."]
        if self.step:
            lines.append(f"omega_{self.tail}: frequencies at which its spectral density is taken.")
        return lines

    def stan_constants(self) -> list[str]:
        """Write what is made of the data in Stan."""
        m = self._width
        made = f"{stan_number(self.step)} * linspaced_vector({m}, 1, {m})"
        return [f"vector[{m}] omega_{self.tail} = {made};"] if self.step else []

    def stan_parameters(self) -> list[str]:
        """Declare its parameters in Stan."""
        K, J = self.columns.levels, self.level.levels if self.level else 0
        z = f"matrix[{J}, {K}]" if self.level else f"vector[{K}]"
        return [*(one.stan() for one in self.numbers), f"{z} z_{self.tail};"]

    def stan_priors(self) -> list[str]:
        """Write its priors in Stan."""
        z = f"to_vector(z_{self.tail})" if self.level else f"z_{self.tail}"
        return [
            *(line for one in self.numbers for line in one.stan_priors()),
            f"{z} ~ std_normal();",
        ]

    def stan_coefficients(self) -> list[str]:
        """Write its coefficients in Stan, of their sds and standard normals.

        Sds are repeated by a product: stanc's optimised rep_matrix() of a row_vector mixes them up.
        """
        z, u, K = f"z_{self.tail}", f"u_{self.tail}", self.columns.levels
        sd, *length = (one.name for one in self.numbers)
        if self.level is not None:
            sds = f"append_row({sd}[1:2], rep_vector({sd}[3], {K - 2}))"
            return [f"matrix[{self.level.levels}, {K}] {u} = diag_post_multiply({z}, {sds});"]
        if not length and not self._curves:
            return [f"vector[{K}] {u} = {sd} * {z};"]
        if not length:
            return [f"vector[{K}] {u} = to_vector(rep_vector(1, {self._width}) * {sd}') .* {z};"]
        (scale,), omega = length, f"omega_{self.tail}"
        if not self._curves:
            wide = f"{sd} * sqrt({scale} * sqrt(2 * pi()))"
            decay = f"exp(-0.25 * square({scale} * {omega}))"
            return [f"vector[{K}] {u}", f"  = {wide} * {decay} .* {z};"]
        wide = f"(rep_vector(1, {self._width}) * ({sd} .* sqrt({scale} * sqrt(2 * pi())))')"
        decay = f"exp(-0.25 * square({omega} * {scale}'))"
        return [f"vector[{K}] {u}", f"  = to_vector({wide} .* {decay}) .* {z};"]

    @property
    def stan_term(self) -> str:
        """What it adds to a linear predictor in Stan."""
        u = f"u_{self.tail}"
        if self.level is not None:
            return f"rows_dot_product({self.columns.name}, {u}[{self.level.name}])"
        return f"{self.columns.name} * {u}"

    def pymc_lines(self, called: Called) -> list[str]:
        """Write its parameters and coefficients in PyMC."""
        z, u, dims = f"z_{self.tail}", f"u_{self.tail}", quote(speakable(self.dim))
        if self.level is not None:
            dims = f"({dims}, {quote(speakable(level_dim(self.level.text)))})"
        lines = [line for one in self.numbers for line in one.pymc(called)]
        lines += normal(z, called.new(z), dims)
        lines += self._pymc_coefficients(u, z)
        return lines + deterministic(self.variable, u, dims)

    def _pymc_coefficients(self, u: str, z: str) -> list[str]:
        sd, *length = (one.name for one in self.numbers)
        if self.level is not None:
            sds = f"{sd}[np.array([0, 1] + [2] * {self.columns.levels - 2})]"
            return [f"{u} = {sds}[:, None] * {z}"]
        lines, of_each, m = [], "", self._width
        if self._curves:
            lines.append(f"at_{self.tail} = np.repeat(np.arange({self._curves}), {m})")
            of_each = f"[at_{self.tail}]"
        if not length:
            return [*lines, f"{u} = {sd}{of_each} * {z}"]
        omega = f"{number(self.step)} * np.arange(1, {m + 1})"
        if self._curves:
            omega = f"np.tile({omega}, {self._curves})"
        scale = f"{length[0]}{of_each}"
        return [
            *lines,
            f"omega_{self.tail} = {omega}",
            f"{u} = {sd}{of_each} * pm.math.sqrt({scale} * np.sqrt(2 * np.pi)) * {z}",
            f"{u} = {u} * pm.math.exp(-(({scale} * omega_{self.tail}) ** 2) / 4)",
        ]

    @property
    def pymc_term(self) -> str:
        """What it adds to a linear predictor in PyMC."""
        u = f"u_{self.tail}"
        if self.level is not None:
            return f"({self.columns.name} * {u}[:, {self.level.name}].T).sum(axis=1)"
        return f"pm.math.dot({self.columns.name}, {u})"


def curve_of_rows(smooth: Smooth, columns: Column, names: Names, priors: Priors) -> WrittenCurve:
    """Name a curve of all rows; `columns` are declared."""
    tail = names.tail(columns.name)
    numbers = tuple(
        CurveNumbers(
            variable,
            names.new(f"{variable.partition('_')[0]}_{tail}"),
            smooth.dims,
            tuple(priors[shared.names[i]] for shared in smooth.shared),
        )
        for i, variable in enumerate(smooth.variables)
    )
    return WrittenCurve(
        variable=smooth.term.variable,
        dim=dim_of(smooth.term.variable),
        parameter=smooth.term.parameter,
        columns=columns,
        tail=tail,
        numbers=numbers,
        level=None,
        step=float(smooth.shared[0].columns.frequency[0]),
    )


def curve_of_groups(
    term: RandomTerm, columns: Column, level: Column, names: Names, priors: Priors
) -> WrittenCurve:
    """Name the curves of groups; `columns` and `level`, that of the groups, are declared."""
    (effect,), ((variable, (dims, _)),) = term.effects, term.sd_variables.items()
    tail = names.tail(f"{columns.name}_{level.name}")
    own = tuple(priors[name] for name in term.sd_names)
    (dim,) = term.dims(effect)
    return WrittenCurve(
        variable=term.effect_name(effect),
        dim=dim,
        parameter=effect.parameter,
        columns=columns,
        tail=tail,
        numbers=(CurveNumbers(variable, names.new(f"sds_{tail}"), dims, own),),
        level=level,
        step=0.0,
    )
