//! Tests of the merge and the cursor against model vendors: in memory, seeded, as awkward as vendors can be.

mod ahead;
mod caches;
mod callers;
mod clock;
mod cursors;
mod generations;
mod habits;
mod history;
mod kept;
mod model;
mod pages;
mod retention;
mod width;
mod writes;
