"""The report of a period: one reading of the answers becomes pages of words, and those a PDF or an HTML file."""
