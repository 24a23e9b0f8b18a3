"""The verbs of ``wifi-collector``, one a file: each has ``add_parser`` and a ``run`` that returns the exit status."""
