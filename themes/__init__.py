"""Console themes as TOML, and their loader."""
