"""One real program for all, and a pretended compiler for what concerns the cache alone."""

from __future__ import annotations

import stat
import textwrap
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from winstan.toolchain import build

if TYPE_CHECKING:
    from pathlib import Path

# Every posterior here is known exactly; scales are away from 1, the pair is correlated.
CONJUGATE = """
data {
  int<lower=0> n;
  vector[n] y;                  // normal, known sd 3
  vector<lower=0>[n] wait;      // exponential
  vector[2] centre;
  cov_matrix[2] spread;
  real quiet_below;             // of mu
}
parameters {
  real mu;
  real<lower=0> rate;
  vector[2] pair;
}
model {
  target += normal_lpdf(mu | 10, 5);
  target += normal_lpdf(y | mu, 3);
  target += gamma_lpdf(rate | 4, 50);
  target += exponential_lpdf(wait | rate);
  target += multi_normal_lpdf(pair | centre, spread);
  if (mu > quiet_below) print("mu is high");
}
generated quantities {
  matrix[2, 3] grid = [[11, 12, 13], [21, 22, 23]];
}
"""


class Conjugate(NamedTuple):
    exe: Path
    data: dict[str, object]

    @property
    def mu(self) -> tuple[float, float]:
        """Posterior mean and sd of the normal mean."""
        y = self.data["y"]
        precision = 1 / 5**2 + len(y) / 3**2
        return (10 / 5**2 + y.sum() / 3**2) / precision, precision**-0.5

    @property
    def rate(self) -> tuple[float, float]:
        """Posterior shape and rate of the exponential's rate."""
        return 4 + self.data["n"], 50 + self.data["wait"].sum()


@pytest.fixture(scope="session")
def conjugate(tmp_path_factory: pytest.TempPathFactory) -> Conjugate:
    template = tmp_path_factory.mktemp("stan") / "conjugate.stan"
    template.write_text(CONJUGATE)
    rng = np.random.default_rng(20)
    data = {
        "n": 25,
        "y": rng.normal(17, 3, 25),
        "wait": rng.exponential(12, 25),
        "centre": np.array([100.0, -4.0]),
        "spread": np.array([[900.0, 5.4], [5.4, 0.04]]),  # sds 30 and 0.2, correlation 0.9
        "quiet_below": 1e9,
    }
    return Conjugate(build(template), data)


class Pretended(NamedTuple):
    cache: Path
    template: Path
    log: Path

    def calls(self) -> list[str]:
        """What was compiled or linked: the names of the results."""
        return self.log.read_text().split() if self.log.exists() else []

    def include(self, text: str) -> Path:
        """Let the template include a file of this text, and return the file."""
        file = self.template.parent / "include" / "scale.stan"
        file.parent.mkdir()
        file.write_text(text)
        self.template.write_text(
            "transformed data {\n#include include/scale.stan\n}\n"
            "parameters { real x; } model { x ~ normal(0, s); }"
        )
        return file

    def programs(self) -> list[Path]:
        found = self.cache.glob("tiny-*")
        return [path for path in found if path.suffix not in {".lock", ".building"}]


@pytest.fixture
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretended:
    """Put a script in the compiler's place and an empty folder in the cache's."""
    log = tmp_path / "calls"
    script = tmp_path / "pretended-g++"
    script.write_text(
        textwrap.dedent(f"""\
            #!/bin/sh
            if [ "$1" = --version ]; then echo "pretended 1.0"; exit 0; fi
            while [ $# -gt 0 ]; do if [ "$1" = -o ]; then out=$2; fi; shift; done
            basename "$out" >> "{log}"
            echo half > "$out"
            case "$out" in *.o) sleep "${{PRETENDED_SECONDS:-0}}";; esac
            if [ -n "$PRETENDED_ERROR" ]; then echo "$PRETENDED_ERROR" >&2; exit 1; fi
            printf '#!/bin/sh\\necho whole\\n' > "$out"
            chmod +x "$out"
            """)
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    template = tmp_path / "stan" / "tiny.stan"
    template.parent.mkdir()
    template.write_text("parameters { real x; } model { x ~ normal(0, 7); }")
    monkeypatch.setenv("CXX", str(script))
    monkeypatch.setenv("WINSTAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WINSTAN_CMDSTAN", "bundled")
    return Pretended(tmp_path / "cache", template, log)
