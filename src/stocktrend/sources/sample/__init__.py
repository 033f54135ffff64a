"""The packaged sample: public-domain prices of five stocks, in the layout of a user's own files."""

from stocktrend.sources.sample.packaged import SampleMarket, sample

__all__ = ["SampleMarket", "sample"]
