//! The process environment. The only file that reads it; everyone else is handed a function.

/// Looks a variable up. A function, so that tests need not change the process they run in.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable of this process. One that is not text is as good as none.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
