//! When a set of states is reached, and whether it is.
