"""Types that everything uses."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
"""An array of doubles, of any shape."""
