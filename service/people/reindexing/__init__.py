"""Search terms written anew where a version of the service finds patients by more than the one that registered them."""
