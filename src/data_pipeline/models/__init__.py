"""Model, losses, data and trainer."""
