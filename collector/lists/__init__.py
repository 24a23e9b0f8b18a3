"""The district's own lists become an inventory: files go in, a proposal with its differences comes out."""
