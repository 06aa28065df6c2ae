"""Stan: the family's template, compiled once for every formula, and its coordinates read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.stan_data import stan_data
from winstan.backends.stan_program import stan_program
from winstan.draws import Draws, canonical, run_attributes
from winstan.errors import BackendError
from winstan.toolchain import build, template_path, toolchain
from winstan.toolchain import run as runner
from winstan.toolchain.silence import quiet_cmdstanpy
from winstan.toolchain.templates import sources
from winstan.unconstrained import coordinate_sizes, sampled_at, sampled_with_groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan._typing import Array
    from winstan.draws import Sampled
    from winstan.model import Model
    from winstan.settings import Settings
    from winstan.toolchain import RawDraws

MAX_TREEDEPTH = 10


@dataclass(frozen=True, slots=True)
class StanBackend:
    """Stan, by hand-written templates in which formula and priors are data."""

    name: str = "stan"
    reads_formula: bool = False
    own_processes: bool = True
    several_samplers: bool = False

    def check(self, model: Model, settings: Settings) -> None:
        """Refuse if Stan, cmdstanpy or the compiler is missing.

        Raises
        ------
        BackendError
        """
        with quiet_cmdstanpy():
            toolchain()

    def prepare(self, model: Model, *, progress: bool | None) -> None:
        """Compile the model's template, unless it has been.

        Raises
        ------
        BackendError
        """
        build(model.template, progress=progress)

    def sample(self, model: Model, settings: Settings) -> Draws:
        """Draw from the posterior with Stan's NUTS.

        Raises
        ------
        BackendError
            If the template cannot be compiled, or the sampler fails.
        """
        accept = settings.target_accept or model.target_accept
        settings = settings.with_defaults(model.draws, model.warmup(accept), accept)
        assert settings.warmup is not None
        assert settings.draws is not None
        raw = runner.sample(
            build(model.template, progress=settings.progress),
            stan_data(model),
            chains=settings.chains,
            warmup=settings.warmup,
            draws=settings.draws,
            seed=settings.seed,
            target_accept=settings.target_accept,
            max_treedepth=MAX_TREEDEPTH,
            cores=settings.cores,
            metric=model.metric,
            step_size_jitter=model.step_size_jitter,
            progress=settings.progress,
        )
        posterior = canonical(*_sampled(model, raw, settings.seed))
        return Draws(
            posterior=posterior,
            sample_stats={
                "lp": raw.sampler["lp__"],
                "diverging": raw.sampler["divergent__"].astype(bool),
                "energy": raw.sampler["energy__"],
                "tree_depth": raw.sampler["treedepth__"].astype(int),
                "n_steps": raw.sampler["n_leapfrog__"].astype(int),
                "acceptance_rate": raw.sampler["accept_stat__"],
                "step_size": raw.sampler["stepsize__"],
            },
            attrs=run_attributes("stan", toolchain().stan, settings, raw.wall),
            max_treedepth=MAX_TREEDEPTH,
        )

    def log_density(self, model: Model, unconstrained: Array) -> tuple[Array, Array]:
        """Log density (Jacobians included) and gradient at unconstrained points, one a row.

        The order is that of `winstan.unconstrained.coordinate_sizes`: of all effects.
        """
        model = model.with_effects
        return runner.log_density(build(model.template), stan_data(model), unconstrained)

    def code(self, model: Model) -> str:
        """Return a short program of this very formula, row by row: to read, or to publish.

        What is run is the family's template, `expanded_template`, of the same posterior.
        """
        return stan_program(model)[0]

    def code_data(self, model: Model) -> dict[str, Any]:
        """Return the data of that program, by the names in its data block."""
        return stan_program(model)[1]


BACKEND = StanBackend()


def expanded_template(name: str) -> str:
    """Return a template's source with its ``#include`` lines replaced by what they include."""
    path = template_path(name)
    texts = {file: text.decode("utf-8") for file, text in sources(path).items()}

    def lines_of(file: str) -> Iterator[str]:
        for line in texts[file].splitlines():
            if line.startswith("#include "):
                yield from lines_of(line.split()[1])
            else:
                yield line

    return "\n".join(lines_of(path.name)) + "\n"


def _sampled(model: Model, given: RawDraws, seed: int) -> tuple[Model, Sampled]:
    """Take the coordinates from the program's columns, of which they are the first.

    Returned with the model whose coordinates they are.

    Raises
    ------
    BackendError
        If the columns are others.
    """
    sizes = coordinate_sizes(model)
    if model.groups_integrated:
        sizes["rest_raw"] = 0
    names = [f"{block}.{i + 1}" for block, size in sizes.items() for i in range(size)]
    # Where the noise is followed, the effects have other coordinates, which have names of their own
    columns = tuple(column.replace("_x.", "_raw.") for column in given.columns[: len(names)])
    if columns != tuple(names):
        raise BackendError(
            f"The Stan program {given.command[0]!r} has not the {len(names):,} columns that this "
            f"model samples, but begins with {', '.join(given.columns[:5])}. Delete it: it is then "
            "compiled anew."
        )
    ends = np.cumsum(list(sizes.values()))
    parts = np.split(given.values[..., : len(names)], ends[:-1], axis=-1)
    raw = dict(zip(sizes, parts, strict=True))
    if model.groups_integrated:
        return sampled_with_groups(model, raw, seed)
    return model, sampled_at(model, raw, seed)
