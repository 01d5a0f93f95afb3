//! Under which names the gateway may be asked. A page of another site can have its own name resolve to this machine (DNS
//! rebinding); what it sends then looks like what a page sends to its own server, but for the name.

use std::net::IpAddr;
use std::str::FromStr;

use axum::extract::Request;
use http::header;
use http::uri::Authority;

use super::failure::{self, Failure};

/// The name of a machine, without a port, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

/// A text is no name of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHostName;

impl FromStr for HostName {
    type Err = NoHostName;

    fn from_str(text: &str) -> Result<Self, NoHostName> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        let named = (1..=253).contains(&text.len()) && text.chars().all(allowed) && !text.ends_with('.');
        if named { Ok(Self(text.to_owned())) } else { Err(NoHostName) }
    }
}

/// Refuses a request for a name that is none of these, no address, and not `localhost`.
pub(super) fn hold(hosts: &[HostName], request: &Request) -> Option<Failure> {
    (!is_ours(request, hosts)).then_some(failure::HOST)
}

fn is_ours(request: &Request, hosts: &[HostName]) -> bool {
    let mut given = request.headers().get_all(header::HOST).iter();
    // Who says two things may be understood differently by whoever stands before us.
    let (Some(host), None) = (given.next(), given.next()) else { return false };
    let ours = |authority: &Authority| is_known(authority.host(), hosts);
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    // A request may bear a whole address in its first line, too.
    host.as_ref().is_some_and(ours) && request.uri().authority().is_none_or(ours)
}

/// No page of another site comes from an address or from `localhost`, whatever its name was made to mean.
fn is_known(host: &str, hosts: &[HostName]) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let named = |name: &str| host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case(name);
    bare.parse::<IpAddr>().is_ok() || named("localhost") || hosts.iter().any(|host| named(&host.0))
}
