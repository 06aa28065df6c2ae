"""The engines: each takes a design and its data, and gives draws under winstan's names.

All give four chains of 1000 draws (of winstan `Model.draws`: 2000 with thousands of effects) with
winstan's default priors, after each engine's own default warm-up: 1000 of the peers, and what the
model needs (`Model.warmup`) of winstan. winstan is timed through `ws.fit` as it is called by
default, with guards, tables and verdict; its peers from the model (formulas already read) to the
draws, without summaries, and at their own defaults (target_accept 0.8).
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import winstan as ws
from benchmarks import r_packages
from benchmarks.engine import Engine, Runner, Sample

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from benchmarks.design import Design
    from winstan.draws import Draws
    from winstan.model import Model

_LME4_FAMILIES = {
    "gamma": "Gamma",
    "poisson": "Poisson",
    "bernoulli": "Binomial",
    "binomial": "Binomial",
}
PEER_ACCEPT = 0.8
"""target_accept of PyMC, nutpie and Stan by default."""


def model_of(formula: str, family: str, data: pd.DataFrame, link: str | None = None) -> Model:
    """Run winstan's stages up to the model, which peers are given."""
    from winstan.building import model_and_frame  # noqa: PLC0415 - cold starts are timed

    return model_and_frame(formula, data, family, {}, link=link)[0]


def winstan(design: Design, data: pd.DataFrame, backend: str) -> Runner:
    """Fit by `ws.fit`, all of it: guards, tables and verdict too."""

    def fit(seed: int) -> Any:
        return ws.fit(
            design.formula,
            data,
            design.family,
            link=design.link,
            backend=backend,
            seed=seed,
            progress=False,
        )

    def draws(result: Any) -> Sample:
        from winstan.draws import tree_name  # noqa: PLC0415

        posterior = result.draws["posterior"]
        stats = result.draws["sample_stats"]
        names = [variable.name for variable in result.model.variables]
        return Sample(
            {name: posterior[tree_name(name)].to_numpy() for name in names},
            stats["n_steps"].to_numpy(),
            stats["diverging"].to_numpy(),
            posterior.attrs["sampling_time"],
        )

    return Runner(fit, draws)


def bambi(design: Design, data: pd.DataFrame, sampler: str) -> Runner:
    """Build and sample bambi's model, or the nearest one where it cannot express the design."""
    model = model_of(design.nearest or design.formula, design.family, data, design.link)

    def fit(seed: int) -> Draws:
        from winstan.backends.bambi import BACKEND  # noqa: PLC0415
        from winstan.settings import Settings  # noqa: PLC0415

        settings = Settings(
            draws=1000, seed=seed, target_accept=PEER_ACCEPT, sampler=sampler, progress=False
        )
        return BACKEND.sample(model, settings)

    def draws(result: Draws) -> Sample:
        stats = result.sample_stats
        seconds = result.attrs["sampling_time"]
        return Sample(result.posterior, stats["n_steps"], stats["diverging"], seconds)

    return Runner(fit, draws)


def rowwise_stan(design: Design, data: pd.DataFrame, **sizes: Any) -> Runner:
    """Compile the program that brms would write, at the first fit, and sample it.

    `sizes` are chains, draws and warm-up other than Stan's.
    """
    from benchmarks.rowwise import compiled_by_default, rowwise  # noqa: PLC0415
    from winstan.toolchain import sample  # noqa: PLC0415

    model = model_of(design.formula, design.family, data, design.link)
    program = rowwise(model)
    shapes = {variable.name: variable.shape for variable in model.variables}

    @cache  # or every warm fit would look for it
    def compile_() -> Path:
        return compiled_by_default(program.source)

    def fit(seed: int) -> Any:
        return sample(compile_(), program.data, seed=seed, progress=False, **sizes)

    def draws(raw: Any) -> Sample:
        place = {column: i for i, column in enumerate(raw.columns)}
        posterior = {
            name: raw.values[..., [place[c] for c in program.columns[name]]].reshape(
                *raw.values.shape[:2], *shape
            )
            for name, shape in shapes.items()
        }
        stats = raw.sampler
        return Sample(posterior, stats["n_leapfrog__"], stats["divergent__"], raw.wall)

    return Runner(fit, draws, compile_)


def mixedlm(design: Design, data: pd.DataFrame) -> Runner:
    """Maximum likelihood by the package mixedlm, or statsmodels where there are no groups."""
    model = model_of(design.formula, design.family, data, design.link)
    response = model.design.response
    right = design.formula.partition("~")[2]
    table = data.assign(response_=response.y)
    keywords: dict[str, Any] = {}
    if response.trials is not None:
        table = table.assign(response_=response.y / response.trials, trials_=response.trials)
        keywords["weights"] = "trials_"

    def fit(seed: int) -> Any:
        if not model.design.groups:
            import statsmodels.formula.api as smf  # noqa: PLC0415

            return smf.ols(f"response_ ~ {right}", table).fit()
        import mixedlm as lme4  # noqa: PLC0415

        if design.family == "gaussian":
            return lme4.lmer(f"response_ ~ {right}", table)
        family = getattr(lme4.families, _LME4_FAMILIES[design.family])
        if design.family == "gamma":
            family = partial(family, link=lme4.families.LogLink())
        return lme4.glmer(f"response_ ~ {right}", table, family=family(), **keywords)

    return Runner(fit, lambda result: Sample({}))


def _is_expressed(design: Design) -> bool:
    return design.nearest is None


def _is_in_bambi(design: Design) -> bool:
    from winstan.families import FAMILIES  # noqa: PLC0415 - cold starts are timed

    return FAMILIES[design.family].bambi is not None


def _is_written_rowwise(design: Design) -> bool:
    from benchmarks.rowwise import FAMILIES  # noqa: PLC0415

    return design.family in {family for family, _ in FAMILIES}


def _has_point_estimates(design: Design) -> bool:
    return design.family == "gaussian" or design.family in _LME4_FAMILIES


def _engines() -> tuple[Engine, ...]:
    return (
        Engine("winstan", "winstan (Stan)", lambda d, x: winstan(d, x, "stan"), peer=False),
        Engine(
            "winstan-pymc",
            "winstan (PyMC)",
            lambda d, x: winstan(d, x, "pymc"),
            peer=False,
            needs=("pymc",),
        ),
        Engine(
            "bambi",
            "bambi (PyMC)",
            lambda d, x: bambi(d, x, "pymc"),
            needs=("bambi",),
            exact=_is_expressed,
            covers=_is_in_bambi,
        ),
        Engine(
            "bambi-nutpie",
            "bambi (nutpie)",
            lambda d, x: bambi(d, x, "nutpie"),
            needs=("bambi", "nutpie"),
            exact=_is_expressed,
            covers=_is_in_bambi,
        ),
        Engine("rowwise", "row-wise Stan", rowwise_stan, covers=_is_written_rowwise),
        Engine(
            "mixedlm",
            "point estimates",
            mixedlm,
            samples=False,
            needs=("mixedlm", "statsmodels"),
            covers=_has_point_estimates,
        ),
        *(
            Engine(
                package,
                f"{package} (R), point estimates",
                partial(r_packages.prepare, package=package),
                samples=False,
                lacks=partial(r_packages.missing, package),
                covers=r_packages.covers,
            )
            for package in r_packages.PACKAGES
        ),
    )


ENGINES = {engine.name: engine for engine in _engines()}
"""By name; the first is the one that others are measured against."""
