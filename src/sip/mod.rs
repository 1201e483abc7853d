//! Signalling: messages, transactions, dialogs, and the user agent that answers and dials.
