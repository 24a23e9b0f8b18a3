"""A modelled district: the agent's own schedule, spool and push over probes that answer from a model of faults.

Everything it makes is marked simulated and may only go to campuses that are flagged so.
"""
