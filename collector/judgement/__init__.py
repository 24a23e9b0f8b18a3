"""The judgement: evidence goes in, verdicts of slots and school days with their causes go into the ledger."""
