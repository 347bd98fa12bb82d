"""What holds when workers die, race and talk through bad networks. Short here, long with ``pytest -m chaos``."""
