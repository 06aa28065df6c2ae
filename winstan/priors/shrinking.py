"""Priors that many coefficients share: most of them near zero, a few not."""

from __future__ import annotations

from dataclasses import dataclass

from winstan.errors import PriorError
from winstan.priors.prior import REAL, Prior


@dataclass(frozen=True, slots=True)
class Horseshoe(Prior):
    """The regularised horseshoe of Piironen and Vehtari (2017), of all coefficients that have it.

    With x_j's coefficient in units of s / sd(x_j), where s is sigma (or, in families that have
    none, the scale of the linear predictor): b_j ~ Normal(0, t_j), with
    1 / t_j^2 = 1 / (tau lambda_j)^2 + 1 / c^2, lambda_j ~ HalfStudentT(df, 1),
    tau ~ HalfStudentT(df_global, scale_global) and
    c^2 ~ InverseGamma(df_slab / 2, df_slab scale_slab^2 / 2).

    Parameters
    ----------
    df, df_global, df_slab
        Degrees of freedom.
    scale_global
        Scale of tau. Where p0 of D coefficients are expected to matter, and there are n rows, it is
        p0 / (D - p0) / sqrt(n).
    scale_slab
        How large a coefficient that matters may be.

    Notes
    -----
    Piironen and Vehtari (2017), Electronic Journal of Statistics 11, 5018-5051.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.Horseshoe(scale_global=0.1)
    Horseshoe(df=1.0, scale_global=0.1, df_global=1.0, scale_slab=2.0, df_slab=4.0)
    """

    df: float = 1.0
    scale_global: float = 1.0
    df_global: float = 1.0
    scale_slab: float = 2.0
    df_slab: float = 4.0
    kind = 0
    domain = REAL
    pymc = ()


@dataclass(frozen=True, slots=True)
class R2D2(Prior):
    """A prior of the share of variance that coefficients explain, and of its parts.

    With x_j's coefficient in units of s / sd(x_j), as for `Horseshoe`:
    b_j ~ Normal(0, sqrt(phi_j R2 / (1 - R2))), R2 ~ Beta(mean_R2 prec_R2, (1 - mean_R2) prec_R2),
    phi ~ Dirichlet(cons_D2).

    Parameters
    ----------
    mean_R2, prec_R2
        Mean and precision of R2: the variance that independent predictors would explain, of all.
    cons_D2
        Concentration of its parts: below one a few predictors have most of it.

    Notes
    -----
    Zhang, Naughton, Bondell and Reich (2022), J. American Statistical Association 117, 862-874.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.R2D2()
    R2D2(mean_R2=0.5, prec_R2=2.0, cons_D2=0.5)
    """

    mean_R2: float = 0.5  # noqa: N815 - brms' names
    prec_R2: float = 2.0  # noqa: N815
    cons_D2: float = 0.5  # noqa: N815
    kind = 0
    domain = REAL
    pymc = ()

    def __post_init__(self) -> None:
        Prior.__post_init__(self)
        if self.mean_R2 >= 1:
            raise PriorError(f"R2D2: mean_R2 must be below 1, got {self.mean_R2:g}.")
