"""The simulated market: raw files of all kinds with a known response, and the truth."""

from stocktrend.sources.market.expectation import Oracle
from stocktrend.sources.market.order import Order
from stocktrend.sources.market.response import Market
from stocktrend.sources.market.simulation import SimulatedMarket, simulate

__all__ = ["Market", "Oracle", "Order", "SimulatedMarket", "simulate"]
