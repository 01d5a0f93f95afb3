//! Pages forwards and backwards, budgets, and what they cost.
