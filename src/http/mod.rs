//! The HTTP side: health, metrics and, later, the API and the wallboard.
