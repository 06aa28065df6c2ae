"""Where the reference posteriors lie."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference posteriors; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip("the reference posteriors are not here")
    return SHARED
