"""The stored ledger, read: for verification, export, tiles and proofs."""
