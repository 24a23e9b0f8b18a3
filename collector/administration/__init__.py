"""An administrator's writes, on the socket and on the command line."""
