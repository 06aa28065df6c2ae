"""Run a compiled program: draws, or the log density and its gradient.

cmdstanpy composes the command, so that the programs of a CmdStan and our own are driven alike. The
process is ours: cmdstanpy's `sample` waits for its children to finish, so that Ctrl-C in a notebook
would be heard only at the end. Around the sampler itself it also takes 0.05 s (0.2 to 0.3 s the
first time) where this takes 0.01 s.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from winstan.errors import BackendError
from winstan.progress import ProgressLine, duration
from winstan.toolchain.cache import FULL
from winstan.toolchain.locate import processors
from winstan.toolchain.silence import quiet_cmdstanpy
from winstan.toolchain.stancsv import RAW_DRAWS, RawDraws, join_chains, raw_path, read_chain

type Data = Mapping[str, Any]
"""Stan variables by name: numbers, nested lists or arrays."""

_ITERATION = re.compile(r"(?:Chain \[(\d+)\] )?Iteration:\s*(\d+) / (\d+)")
_CHATTER = re.compile(
    r"\s*$|.*Iteration:|\s*Elapsed Time|.* seconds \((Sampling|Total|Warm-up)\)"
    r"|Gradient evaluation took|1000 transitions using|Adjust your expectations"
)
_CRASHES = {signal.SIGSEGV, signal.SIGILL, signal.SIGABRT, signal.SIGFPE}
_CRASHES |= {getattr(signal, "SIGBUS", signal.SIGSEGV)}  # which Windows lacks
_NOT_LOADED = 127
_DAMAGED = "If it is damaged, delete it: it is then compiled anew."
_TOO_LARGE = (
    "A file of the sampler's would be larger than files may be here: raise that limit (ulimit -f), "
    "or ask for fewer draws at a time."
)
_TOO_MANY = (
    "Too many files are open for another: close what is not needed, or raise the limit (ulimit -n)."
)
_LIMITS = {errno.EFBIG: _TOO_LARGE, errno.EMFILE: _TOO_MANY, errno.ENFILE: _TOO_MANY}
_KEPT_MESSAGES = 200
_SHOWN_MESSAGES = 12
# A mean a million sds from zero (a time stamp, say) still has its sd to six digits; fewer would not
# be measurably quicker to write and read
_DIGITS = 12
_EXACT = 17
# A gradient makes and frees more small pieces than glibc keeps at hand: seven of each size
_MALLOC = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=100"}
RUNNING: ContextVar[set[subprocess.Popen[str]] | None] = ContextVar("winstan_running", default=None)
"""Where a caller that runs fits in other threads, deaf to Ctrl-C, wants their programs put."""


def sample(
    exe: Path,
    data: Data,
    *,
    chains: int = 4,
    warmup: int = 1000,
    draws: int = 1000,
    seed: int,
    target_accept: float | None = None,
    max_treedepth: int | None = None,
    cores: int | None = None,
    metric: str = "diag_e",
    inits: float | Data | Sequence[Data] | None = None,
    step_size: float | None = None,
    step_size_jitter: float = 0.0,
    progress: bool | None = None,
) -> RawDraws:
    """Sample the posterior with NUTS.

    Parameters
    ----------
    exe
        The program, from `build`.
    data
        What the program's data block declares.
    chains, warmup, draws
        Chains, and iterations of each before and after adaptation ends.
    seed
        The same seed gives the same draws, with any number of cores.
    target_accept, max_treedepth, step_size
        NUTS settings; None leaves Stan's (0.8, 10, 1).
    step_size_jitter
        Up to what share of it the step size varies from draw to draw.
    cores
        Threads; by default one per chain, as far as there are processors.
    metric
        ``"diag_e"``, ``"dense_e"`` or ``"unit_e"``.
    inits
        Initial values by parameter, of all chains or of each; or a radius around zero.
    progress
        Whether to show a line on stderr; None shows it in terminals and notebooks.

    Raises
    ------
    BackendError
        If the sampler fails, with Stan's own last lines.
    """
    cores = min(chains, processors()) if cores is None else max(1, cores)
    with _private_folder() as folder, ProgressLine(progress) as line:
        output = folder / "draws.csv"
        command = _sample_command(
            exe,
            output,
            chains,
            data=str(_write_json(folder / "data.json", data)),
            seed=seed,
            inits=_write_inits(folder, inits, chains),
            refresh=max(1, (warmup + draws) // 50 if line.on else warmup + draws),
            step_size_jitter=step_size_jitter,
            method={
                "iter_warmup": warmup,
                "iter_sampling": draws,
                "adapt_engaged": warmup > 0,
                "adapt_delta": target_accept,
                "max_treedepth": max_treedepth,
                "metric_type": metric,
                "step_size": step_size,
            },
        )
        start = perf_counter()
        messages = _run(command, cores, line, chains)
        wall = perf_counter() - start
        paths = [output] if chains == 1 else [_numbered(output, i + 1) for i in range(chains)]
        try:
            if raw_path(paths[0]).exists():
                files = [read_chain(path) for path in paths]
            else:
                with ThreadPoolExecutor(cores) as pool:  # pandas parses outside the lock
                    files = list(pool.map(read_chain, paths))
        except BackendError as problem:
            raise BackendError(f"The sampler failed.{_end_of(messages)}") from problem
        short = [len(f.values) for f in files if len(f.values) != draws]
        if short:
            raise BackendError(
                f"A chain ended after {short[0]} of {draws} draws.{_end_of(messages)}"
            )
        return join_chains(files, wall=wall, command=tuple(command), messages=tuple(messages))


def log_density(exe: Path, data: Data, unconstrained: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the log density and its gradient at unconstrained points, as the sampler sees them.

    Parameters
    ----------
    exe, data
        As in `sample`.
    unconstrained
        (points, parameters), or a single point.

    Returns
    -------
    tuple
        The densities (points,), Jacobians of the change of variables included, and the gradients
        (points, parameters). Constants that Stan drops
        in ``~`` statements are missing; those of ``target +=`` are there.
    """
    import pandas as pd  # noqa: PLC0415

    points = np.atleast_2d(np.asarray(unconstrained, dtype=np.float64))
    with _private_folder() as folder, ProgressLine(False) as line:
        output = folder / "density.csv"
        where = _write_json(folder / "points.json", {"params_r": points})
        command = [
            str(exe), "log_prob", f"unconstrained_params={where}",
            "data", f"file={_write_json(folder / 'data.json', data)}",
            "output", f"file={output}", f"sig_figs={_EXACT}",
        ]  # fmt: skip
        _run(command, 1, line, 1)
        table = pd.read_csv(output, comment="#").to_numpy(dtype=np.float64)
    return table[:, 0], table[:, 1:]


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    """Give a folder that is gone afterwards, whatever happens."""
    try:
        with tempfile.TemporaryDirectory(prefix="winstan-") as name:
            yield Path(name)
    except OSError as problem:
        raise BackendError(_why_not_written(problem)) from problem


def _why_not_written(problem: OSError) -> str:
    """Say what hinders the files between us and the program, and what to do."""
    if problem.errno in FULL:
        return (
            f"The disk is full: no room for the draws in {tempfile.gettempdir()!r}. Free some"
            " space, or set the environment variable TMPDIR to a folder on another disk."
        )
    return _LIMITS.get(problem.errno or 0) or (
        f"The sampler's files cannot be written: {problem}. Set the environment variable TMPDIR to"
        " a folder that you can write to."
    )


def _sample_command(
    exe: Path,
    output: Path,
    chains: int,
    *,
    step_size_jitter: float,
    method: dict[str, Any],
    **settings: Any,
) -> list[str]:
    with quiet_cmdstanpy():
        from cmdstanpy.cmdstan_args import CmdStanArgs, SamplerArgs  # noqa: PLC0415

        try:
            arguments = CmdStanArgs(
                exe.name,
                str(exe),
                chain_ids=list(range(1, chains + 1)),
                sig_figs=_DIGITS,
                method_args=SamplerArgs(num_chains=chains, **method),
                **settings,
            )
        except ValueError as problem:
            raise BackendError(f"Stan cannot sample so: {problem}") from problem
        command: list[str] = arguments.compose_command(0, str(output))
    if step_size_jitter:  # which cmdstanpy has no word for
        beside = next(i for i, word in enumerate(command) if word.startswith("metric="))
        command.insert(beside, f"stepsize_jitter={step_size_jitter}")
    return command


def _run(command: list[str], cores: int, line: ProgressLine, chains: int) -> list[str]:
    """Run a program to its end and return what it said; whatever happens, it does not outlive us.

    Reads in the calling thread, where Ctrl-C is heard.
    """
    messages: deque[str] = deque(maxlen=_KEPT_MESSAGES)
    done: dict[str, int] = {}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**_MALLOC, **os.environ, **RAW_DRAWS, "STAN_NUM_THREADS": str(cores)},
            text=True,
            errors="replace",
        )
    except OSError as problem:
        if problem.errno in _LIMITS:
            raise  # not the program's fault
        raise BackendError(
            f"The Stan program {command[0]!r} cannot be run: {problem}. {_DAMAGED}"
        ) from problem
    with _ended(process):
        assert process.stdout is not None
        for said in process.stdout:
            found = _ITERATION.match(said)
            if found:
                done[found[1]] = int(found[2])
                line.show(_progress(done, int(found[3]) * chains, chains, line.elapsed))
            elif not _CHATTER.match(said):
                messages.append(said.rstrip())
        code = process.wait()
    _check_end(code, command[0], messages)
    return list(messages)


def _check_end(code: int, exe: str, messages: Sequence[str] | deque[str]) -> None:
    """Raise what a program's exit code says went wrong."""
    if code == -signal.SIGKILL:
        raise BackendError("The Stan program was killed, most likely for want of memory.")
    if -code == getattr(signal, "SIGXFSZ", None):
        raise BackendError(_TOO_LARGE)
    if -code in _CRASHES:
        raise BackendError(
            f"The Stan program {exe!r} crashed ({signal.Signals(-code).name}). {_DAMAGED}"
        )
    if code != 0:
        said = _end_of(messages)
        if code == _NOT_LOADED:
            said += f"\nA library that it needs may be gone. {_DAMAGED}"
        raise BackendError(f"The Stan program {exe!r} failed (exit code {code}).{said}")


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """See to it that a process has ended afterwards, and that `RUNNING` has it until then."""
    running = RUNNING.get()
    if running is not None:
        running.add(process)
    try:
        yield
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
        if running is not None:
            running.discard(process)
        if process.stdout is not None:
            process.stdout.close()


def _progress(done: dict[str, int], total: int, chains: int, elapsed: float) -> str:
    share = sum(done.values()) / total
    left = duration(elapsed / share * (1 - share)) if share > 0 else "?"
    each = " ".join(f"{100 * n * chains // total}%" for _, n in sorted(done.items()))
    return f"sampling {share:4.0%}, {chains} chains ({each}), {left} left"


def _end_of(messages: Sequence[str] | deque[str]) -> str:
    if not messages:
        return " It said nothing."
    return " It said:\n" + "\n".join(list(messages)[-_SHOWN_MESSAGES:])


def _write_inits(
    folder: Path, inits: float | Data | Sequence[Data] | None, chains: int
) -> float | str | None:
    """Write initial values as the programs read them: one file, or a numbered one per chain."""
    if inits is None or isinstance(inits, (int, float)):
        return inits
    if isinstance(inits, Mapping):
        return str(_write_json(folder / "inits.json", inits))
    if len(inits) != chains:
        raise BackendError(f"There are {len(inits)} sets of initial values for {chains} chains.")
    path = folder / "inits.json"
    if chains == 1:
        return str(_write_json(path, inits[0]))
    for i, values in enumerate(inits):
        _write_json(_numbered(path, i + 1), values)
    return str(path)


def _write_json(path: Path, data: Data) -> Path:
    # One call into C: twice as fast as cmdstanpy's writer, which encodes in pieces
    path.write_text(json.dumps({k: _plain(v) for k, v in data.items()}), encoding="utf-8")
    return path


def _plain(value: Any) -> Any:
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    array = np.asarray(value)
    return (array.astype(int) if array.dtype == bool else array).tolist()


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}_{number}{path.suffix}")
