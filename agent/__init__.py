"""The daemon: the only package of driftline that touches network, disk, clock and secrets."""
