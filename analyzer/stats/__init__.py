"""Mathematics only: curves of windows, resampling."""
