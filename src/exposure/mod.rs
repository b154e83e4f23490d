//! Errors that pile up.
