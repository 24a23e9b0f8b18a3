"""Finished hours of evidence: signed reports go in, one re-columnarised block comes out, and back byte for byte."""
