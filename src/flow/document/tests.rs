//! The reading of flow files, fault by fault.
