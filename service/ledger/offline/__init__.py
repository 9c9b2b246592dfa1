"""A verifier of exports that trusts nothing of this service.

    python -m service.ledger.offline EXPORT --vkey VKEY --checkpoints COPIES
    python -m service.ledger.offline --tiles FOLDER --vkey VKEY --checkpoints COPIES --witness WKEY

Written from docs/ledger.md alone. It imports the tree hashes of RFC 6962 (`merkle`), the standard library and Ed25519,
and keeps a constant amount in memory however long the trail is. What is in order goes by in runs; only where something
is not is it looked at one by one, and named.

    altered     the bytes of an entry do not give its hash, or hashes do not give the root that was signed
    missing     nothing stands at a position, or its entry is gone
    inserted    stands at a position twice, or behind everything that was signed
    reordered   stands before what came earlier
    truncated   the trail ends before a head that was signed
    forked      agrees with itself, and not with what was kept outside
    checkpoint  a checkpoint is malformed, or not signed by the key given
"""
