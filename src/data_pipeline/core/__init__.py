"""Building the training data."""
