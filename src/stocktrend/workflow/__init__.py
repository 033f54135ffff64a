"""The steps from raw files to a report, and the run that they leave."""
