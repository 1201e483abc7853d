//! The one loop that joins the rooms, and the shutdown.
