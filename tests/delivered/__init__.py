"""What leaves this repository: locked packages and their list, the scans of the gate, the wheel."""
