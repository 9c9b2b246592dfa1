"""The ledger: what happened, in order, so that a change to it shows (RFC 6962 tree, C2SP tlog-checkpoint)."""
