//! Records as a client sees them: three vendors' words, one model; and filters, which mean what they say whoever runs them.

mod filters;
mod interactions;
mod records;
