"""From a first contact to an admission: packet and work list, placement, care plan, the gate between them."""
