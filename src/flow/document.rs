//! Flow files as they are written, and the reading of them into a checked set with every fault told at once.
