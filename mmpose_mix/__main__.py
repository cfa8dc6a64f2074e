"""``python -m mmpose_mix``."""

from __future__ import annotations

import sys

from mmpose_mix.cli import main

if __name__ == "__main__":
    sys.exit(main())
