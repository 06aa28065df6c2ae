"""The Stan program of a model as brms writes it: row by row, non-centred, compiled for the formula.

Predictors are centred and multiplied as one matrix, group effects are added in a loop over rows,
and where Stan has a density of a generalised linear model (gaussian, poisson, negative
binomial, bernoulli) it is used. The priors are winstan's, so that the posterior is. It is compiled
as CmdStan compiles unless told otherwise.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.toolchain.build import compiled
from winstan.toolchain.locate import compiling

if TYPE_CHECKING:
    from winstan.model import Model
    from winstan.priors import Prior
    from winstan.toolchain import Toolchain

# winstan's own, beyond -O3 and the like in stan-dev/math's make/compiler_flags. -DSTAN_THREADS,
# which is not there by default either, stays: the driver's chains are threads. (A chain of the LFP
# example alone took 0.59 s with it and without.)
_NOT_BY_DEFAULT = {"-mavx2", "-mfma", "-DEIGEN_NO_DEBUG"}

# By family and link: type of the response, its density, and the one that takes the predictors too,
# where Stan has it.
FAMILIES = {
    ("gaussian", "identity"): (
        "vector[N]",
        "normal_lpdf(Y | mu, sigma)",
        "normal_id_glm_lpdf(Y | Xc, mu, b, sigma)",
    ),
    ("student", "identity"): ("vector[N]", "student_t_lpdf(Y | nu, mu, sigma)", None),
    ("lognormal", "identity"): ("vector<lower=0>[N]", "lognormal_lpdf(Y | mu, sigma)", None),
    ("gamma", "log"): ("vector<lower=0>[N]", "gamma_lpdf(Y | alpha, alpha ./ exp(mu))", None),
    ("poisson", "log"): (
        "array[N] int",
        "poisson_log_lpmf(Y | mu)",
        "poisson_log_glm_lpmf(Y | Xc, mu, b)",
    ),
    ("negative_binomial", "log"): (
        "array[N] int",
        "neg_binomial_2_log_lpmf(Y | mu, alpha)",
        "neg_binomial_2_log_glm_lpmf(Y | Xc, mu, b, alpha)",
    ),
    ("bernoulli", "logit"): (
        "array[N] int",
        "bernoulli_logit_lpmf(Y | mu)",
        "bernoulli_logit_glm_lpmf(Y | Xc, mu, b)",
    ),
    ("binomial", "logit"): ("array[N] int", "binomial_logit_lpmf(Y | trials, mu)", None),
}
_PRIORS = {
    "Normal": "normal",
    "Exponential": "exponential",
    "InverseGamma": "inv_gamma",
    "Gamma": "gamma",
}


@dataclass(frozen=True, slots=True)
class Rowwise:
    """A program, what it reads, and what it writes.

    Attributes
    ----------
    source : str
    data : dict
    columns : dict of str to list of str
        By the model's variable: its columns of the program's output, the last index fastest.
    """

    source: str
    data: dict[str, Any]
    columns: dict[str, list[str]]


def by_default(tools: Toolchain) -> Toolchain:
    """Return a toolchain that compiles with the flags of CmdStan's makefiles, and stanc's own."""
    flags = tuple(flag for flag in tools.flags if flag not in _NOT_BY_DEFAULT)
    return replace(tools, flags=flags, stanc_flags=())


def compiled_by_default(source: str) -> Path:
    """Compile a program, unless the cache has it, and return the executable."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rowwise.stan"
        path.write_text(source, encoding="utf-8")
        return compiled(by_default(compiling()), [path], jobs=None, progress=False)[0]


def rowwise(model: Model) -> Rowwise:
    """Write a model with an intercept and winstan's default priors.

    Raises
    ------
    ValueError
        If the model has what the benchmark's designs have not.
    """
    design = model.design
    kind, density, glm = _family(model)
    K = sum(len(term.columns) for term in design.terms)
    X = design.X[design.row, :K]
    names = list(model.priors.table)
    data: dict[str, Any] = {"N": len(X), "Y": design.response.y}
    if not kind.startswith("vector"):
        data["Y"] = design.response.y.astype(int)
    blocks: dict[str, list[str]] = {
        "data": ["int N;", f"{kind} Y;"],
        "transformed data": [],
        "parameters": ["real Intercept;"],
        "transformed parameters": [],
        "model": [],
        "generated quantities": ["real b_Intercept = Intercept;"],
    }
    if design.response.trials is not None:
        data["trials"] = design.response.trials.astype(int)
        blocks["data"].append("array[N] int trials;")
    if K:
        data |= {"K": K, "X": X}
        blocks["data"] += ["int K;", "matrix[N, K] X;"]
        blocks["transformed data"] += [
            "matrix[N, K] Xc;",
            "vector[K] means_X;",
            "for (k in 1:K) {",
            "  means_X[k] = mean(X[, k]);",
            "  Xc[, k] = X[, k] - means_X[k];",
            "}",
        ]
        blocks["parameters"].append("vector[K] b;")
        blocks["generated quantities"] = ["real b_Intercept = Intercept - dot_product(means_X, b);"]
    blocks["model"] = [_prior("Intercept", model.priors["Intercept"])]
    blocks["model"] += [_prior(f"b[{k}]", model.priors[names[k]]) for k in range(1, K + 1)]

    columns = {"Intercept": ["b_Intercept"]}
    for term in design.terms:
        columns[term.name] = [f"b.{k + 1}" for k in term.columns]
    terms = _add_groups(model, data, blocks, columns)
    curves = _add_curves(model, data, blocks, columns)
    for name in model.family.auxiliary:
        blocks["parameters"].append(f"real<lower=0> {name};")
        blocks["model"].append(_prior(name, model.priors[name]))
        columns[name] = [name]

    blocks["model"] += ["vector[N] mu = rep_vector(0.0, N);"]
    blocks["model"] += ["mu += Intercept + Xc * b;" if K and glm is None else "mu += Intercept;"]
    if terms:
        blocks["model"] += ["for (n in 1:N) {", f"  mu[n] += {' + '.join(terms)};", "}"]
    blocks["model"] += [f"mu += {curve};" for curve in curves]
    blocks["model"].append(f"target += {glm if K and glm else density};")
    lines = []
    for name, content in blocks.items():
        if content:
            lines += [f"{name} {{", *(f"  {line}" for line in content), "}"]
    return Rowwise("\n".join(lines) + "\n", data, columns)


def _family(model: Model) -> tuple[str, str, str | None]:
    key = (model.family.name, model.link.name)
    plain = model.center and model.design.weights is None and not np.any(model.design.offset)
    if key not in FAMILIES or not plain:
        raise ValueError(f"the row-wise program of {model.formula.text!r} is not written")
    return FAMILIES[key]


def _add_groups(
    model: Model,
    data: dict[str, Any],
    blocks: dict[str, list[str]],
    columns: dict[str, list[str]],
) -> list[str]:
    """Add the group terms to all blocks; return what each adds to mu[n]."""
    design = model.design
    terms = []
    for m, group in enumerate(model.stacked.groups, 1):
        if group.shared is not None:
            continue
        J, q = len(group.levels), group.Z.shape[1]
        data[f"J_{m}"] = group.level[design.row] + 1
        blocks["data"].append(f"array[N] int J_{m};")
        for c in range(1, q + 1):
            data[f"Z_{m}_{c}"] = group.Z[design.row, c - 1]
            blocks["data"].append(f"vector[N] Z_{m}_{c};")
            terms.append(f"r_{m}_{c}[J_{m}[n]] * Z_{m}_{c}[n]")
        blocks["parameters"].append(f"vector<lower=0>[{q}] sd_{m};")
        blocks["model"] += [
            _prior(f"sd_{m}[{c}]", model.priors[name]) for c, name in enumerate(group.sd_names, 1)
        ]
        if group.has_correlations:
            eta = model.priors[group.correlation_name].numbers[0]
            blocks["parameters"] += [
                f"matrix[{q}, {J}] z_{m};",
                f"cholesky_factor_corr[{q}] L_{m};",
            ]
            blocks["transformed parameters"] += [
                f"matrix[{J}, {q}] r_{m} = (diag_pre_multiply(sd_{m}, L_{m}) * z_{m})';",
                *(f"vector[{J}] r_{m}_{c} = r_{m}[, {c}];" for c in range(1, q + 1)),
            ]
            blocks["model"] += [
                f"target += std_normal_lpdf(to_vector(z_{m}));",
                f"target += lkj_corr_cholesky_lpdf(L_{m} | {eta!r});",
            ]
            blocks["generated quantities"].append(
                f"corr_matrix[{q}] Cor_{m} = multiply_lower_tri_self_transpose(L_{m});"
            )
            columns.setdefault(f"{group.factor}_corr", []).extend(
                f"Cor_{m}.{i}.{j}" for i in range(1, q + 1) for j in range(1, i)
            )
        else:
            blocks["parameters"].append(f"array[{q}] vector[{J}] z_{m};")
            blocks["transformed parameters"] += [
                f"vector[{J}] r_{m}_{c} = sd_{m}[{c}] * z_{m}[{c}];" for c in range(1, q + 1)
            ]
            blocks["model"] += [f"target += std_normal_lpdf(z_{m}[{c}]);" for c in range(1, q + 1)]
        for effect in group.effects:
            own = [c + 1 for c in effect.columns]
            name = f"{effect.name}|{group.factor}"
            columns[f"{name}_sigma"] = [f"sd_{m}.{c}" for c in own]
            columns[name] = [f"r_{m}_{c}.{j}" for c in own for j in range(1, J + 1)]
    return terms


def _add_curves(
    model: Model,
    data: dict[str, Any],
    blocks: dict[str, list[str]],
    columns: dict[str, list[str]],
) -> list[str]:
    """Add the curves to all blocks, whose columns are matrices; return what each adds to mu."""
    design, terms = model.design, []
    of_rows = {part: one.smooth for one in model.stacked.curves for part in one.parts}
    for m, group in enumerate(model.stacked.groups, 1):
        if group.shared is None:
            continue
        if group.shared.columns.spectral:
            raise ValueError("the row-wise program of a Gaussian process is not written")
        J, q, n = group.n_levels, group.q, group.column_sds.n
        data |= {f"J_{m}": group.level[design.row] + 1, f"Z_{m}": group.Z[design.row]}
        data[f"sd_of_{m}"] = group.column_sds.of + 1
        blocks["data"] += [
            f"array[N] int J_{m};", f"matrix[N, {q}] Z_{m};", f"array[{q}] int sd_of_{m};"
        ]  # fmt: skip
        blocks["parameters"] += [f"vector<lower=0>[{n}] sd_{m};", f"matrix[{J}, {q}] z_{m};"]
        made = f"diag_post_multiply(z_{m}, sd_{m}[sd_of_{m}])"
        blocks["transformed parameters"].append(f"matrix[{J}, {q}] r_{m} = {made};")
        blocks["model"] += [
            *(_prior(f"sd_{m}[{c}]", model.priors[x]) for c, x in enumerate(group.sd_names, 1)),
            f"target += std_normal_lpdf(to_vector(z_{m}));",
        ]
        effects = [f"r_{m}.{j}.{c}" for c in range(1, q + 1) for j in range(1, J + 1)]
        sds = [f"sd_{m}.{c}" for c in range(1, n + 1)]
        smooth = of_rows.get(m - 1)
        (sd_name,) = group.sd_variables if smooth is None else smooth.variables
        name = group.effect_name(group.effects[0]) if smooth is None else smooth.term.variable
        columns.setdefault(sd_name, []).extend(sds)
        columns.setdefault(name, []).extend(effects)
        rows = f"rows_dot_product(Z_{m}, r_{m}[J_{m}])"
        terms.append(rows if smooth is None else f"Z_{m} * r_{m}[1]'")
    return terms


def _prior(name: str, prior: Prior) -> str:
    kind = type(prior).__name__
    if kind not in _PRIORS:
        raise ValueError(f"the row-wise program has no prior {kind}")
    numbers = ", ".join(repr(float(number)) for number in prior.numbers)
    return f"target += {_PRIORS[kind]}_lpdf({name} | {numbers});"
