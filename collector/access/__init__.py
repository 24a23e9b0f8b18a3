"""Who may come in, and what they may do: roles, sessions, accounts, tokens of programs, and the doors of sign-in."""
