//! Programs over columns, and the CPU backend that interprets them.
