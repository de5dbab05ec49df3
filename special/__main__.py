"""``python -m special`` is ``special``."""

from __future__ import annotations

from special.cli import main

if __name__ == "__main__":
    main(prog_name="special")
