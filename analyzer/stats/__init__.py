"""Mathematics only: curves of windows, fits, resampling."""
