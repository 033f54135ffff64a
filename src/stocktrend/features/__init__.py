"""The 87 features: 62 of a stock's own bars, 25 of news, policy and macro context."""
