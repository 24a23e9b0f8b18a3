"""The ledger checked against its evidence, in a store or from a bundle on a laptop."""
