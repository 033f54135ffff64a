"""stocktrend: how relevant is today's context to each stock's trend, and in which direction?"""

from stocktrend._version import __version__

__all__ = ["__version__"]
