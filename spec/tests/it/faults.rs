//! Faulty specs and what is said about them.
