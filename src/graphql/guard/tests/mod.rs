use super::Limit;

mod against_parsers;
mod drawn;
mod limits;
mod plain;

/// Every limit.
const LIMITS: [Limit; 12] = [
    Limit::Bytes,
    Limit::Tokens,
    Limit::TokenBytes,
    Limit::Nesting,
    Limit::Depth,
    Limit::Aliases,
    Limit::Directives,
    Limit::Variables,
    Limit::Operations,
    Limit::Fragments,
    Limit::RootFields,
    Limit::Selections,
];
