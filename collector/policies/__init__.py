"""The written policy: its terms, the shipped versions (TOML), and what is asked of a policy before it holds."""
