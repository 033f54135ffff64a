"""The names of the original design; everything is re-exported from ``stocktrend``."""
