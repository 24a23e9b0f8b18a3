"""What the inventory says there is, held against what was ever seen."""
