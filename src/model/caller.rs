//! Who asks, what they may do, and which sources exist for them.

use std::sync::{Arc, LazyLock};

use super::id::SourceId;

/// Who asks. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The caller's name. Cursors are sealed for one name, and rates are kept by name: two callers never share one.
    pub name: Arc<str>,
    /// What the caller may do.
    pub scopes: Scopes,
    /// Which sources exist for the caller.
    pub sources: Visible,
}

impl Caller {
    /// Anyone who can reach a gateway that knows no callers: everything is allowed.
    #[must_use]
    pub fn anonymous() -> Self {
        static ANYONE: LazyLock<Caller> = LazyLock::new(|| Caller::unrestricted("anonymous"));
        ANYONE.clone()
    }

    /// The gateway, in its own work.
    #[must_use]
    pub fn gateway() -> Self {
        Self::unrestricted("leadgraph")
    }

    /// Someone of this name who may do everything.
    #[must_use]
    pub fn unrestricted(name: &str) -> Self {
        Self { name: name.into(), scopes: Scope::ALL.into_iter().collect(), sources: Visible::All }
    }

    /// Whether the caller holds a scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.hold(scope)
    }

    /// Whether a source exists for the caller.
    #[must_use]
    pub fn sees(&self, source: &SourceId) -> bool {
        self.sources.holds(source)
    }
}

/// One thing that a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Read leads, conversations and interactions.
    LeadsRead,
    /// Change leads at their vendors.
    LeadsWrite,
    /// Read personal data; without it, such values come masked.
    PiiRead,
    /// Read the vendors' own objects.
    RawRead,
    /// Have links to recordings made.
    RecordingsRead,
    /// Follow events.
    EventsRead,
    /// See how the gateway itself is doing.
    Admin,
}

impl Scope {
    /// All scopes there are.
    pub const ALL: [Self; 7] = [
        Self::LeadsRead,
        Self::LeadsWrite,
        Self::PiiRead,
        Self::RawRead,
        Self::RecordingsRead,
        Self::EventsRead,
        Self::Admin,
    ];

    /// The scope's word in configurations, tokens, errors and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeadsRead => "leads:read",
            Self::LeadsWrite => "leads:write",
            Self::PiiRead => "pii:read",
            Self::RawRead => "raw:read",
            Self::RecordingsRead => "recordings:read",
            Self::EventsRead => "events:read",
            Self::Admin => "admin",
        }
    }

    /// The scope of a word. No scope holds another: `admin` does not read leads.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Whether a scope is among them.
    #[must_use]
    pub fn hold(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// Those of them, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.hold(*scope))
    }
}

fn bit(scope: Scope) -> u8 {
    1 << scope as u8
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | bit(scope)))
    }
}

/// Which sources exist for someone. One that is not among them is, for them, not configured at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visible {
    /// All, also those that are found later.
    All,
    /// Those of these names, and all that are found at an account of such a name (`account` holds `account/agent`).
    Only(Arc<[SourceId]>),
}

impl Visible {
    /// Whether a source is among them.
    #[must_use]
    pub fn holds(&self, source: &SourceId) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| source.is_of(name)),
        }
    }

    /// Those that are among both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, both) | (both, Self::All) => both.clone(),
            (Self::Only(these), Self::Only(those)) => {
                let of_these = these.iter().filter(|name| other.holds(name));
                // An account here may be one of its agents there.
                let of_those = those.iter().filter(|name| self.holds(name) && !these.contains(name));
                Self::Only(of_these.chain(of_those).cloned().collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(names: &[&str]) -> Visible {
        Visible::Only(names.iter().filter_map(|name| SourceId::new(name)).collect())
    }

    #[test]
    fn an_account_holds_its_agents_and_no_namesake() {
        let holds = |name: &str, source: &str| only(&[name]).holds(&SourceId::new(source).unwrap());
        assert!(holds("shop", "shop"));
        assert!(holds("shop", "shop/agent-1"));
        assert!(holds("shop/agent-1", "shop/agent-1"));
        assert!(!holds("shop/agent-1", "shop/agent-12"));
        assert!(!holds("shop", "shop-2"));
        assert!(!holds("shop", "shop.eu/agent-1"));
        assert!(!holds("shop/agent-1", "shop"));
    }

    #[test]
    fn what_is_among_both_is_no_more_than_either() {
        let both = |these: &[&str], those: &[&str]| only(these).and(&only(those));
        assert_eq!(both(&["shop", "desk"], &["shop", "wall"]), only(&["shop"]));
        assert_eq!(both(&["shop"], &["shop/agent-1"]), only(&["shop/agent-1"]));
        assert_eq!(both(&["shop/agent-1"], &["shop"]), only(&["shop/agent-1"]));
        assert_eq!(both(&["shop"], &[]), only(&[]));
        assert_eq!(Visible::All.and(&only(&["shop"])), only(&["shop"]));
        assert_eq!(only(&["shop"]).and(&Visible::All), only(&["shop"]));
        assert_eq!(Visible::All.and(&Visible::All), Visible::All);
    }

    #[test]
    fn nobody_named_is_nobody_seen() {
        assert!(!only(&[]).holds(&SourceId::new("shop").unwrap()));
    }

    #[test]
    fn every_scope_has_its_word_and_its_bit() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
            let alone: Scopes = [scope].into_iter().collect();
            assert_eq!(alone.iter().collect::<Vec<_>>(), [scope]);
        }
        assert_eq!(Scope::parse("leads"), None);
        assert_eq!(Scopes::default().iter().count(), 0);
    }
}
