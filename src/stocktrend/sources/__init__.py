"""Where records come from: files, and the simulated market that writes such files."""
