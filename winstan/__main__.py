"""``python -m winstan``."""

import sys

from winstan.cli import main

sys.exit(main())
