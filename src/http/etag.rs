//! `ETag` and `If-None-Match`: who has an answer already is not sent it again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};

/// What names a body. Weak, since the body may be sent compressed or not.
pub(super) fn of(body: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(body);
    // Half of it tells as many bodies apart as there will ever be.
    let half = digest.get(..16).unwrap_or_default();
    let text = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(half));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// Whether the client says that it has the body of this name, or would take any.
pub(super) fn is_held(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let wanted = opaque(etag.as_bytes());
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    names.any(|name| {
        let name = name.trim_ascii();
        name == b"*" || opaque(name) == wanted
    })
}

/// A name without the mark of weakness: by the weak comparison of RFC 9110, which is that of `If-None-Match`.
fn opaque(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(values: &[&str]) -> HeaderMap {
        let value = |value: &&str| (header::IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
        values.iter().map(value).collect()
    }

    #[test]
    fn a_body_is_known_by_its_name_alone() {
        let etag = of(b"{}");
        let text = etag.to_str().unwrap();
        assert!(text.starts_with("W/\"") && text.ends_with('"') && text.len() == 26, "{text}");
        assert_ne!(etag, of(b"{} "));
        let strong = text.trim_start_matches("W/");
        for held in [
            vec![text],
            vec![strong],
            vec!["\"a\", \"b\"", text],
            vec![&*format!("\"a\" ,{text}")],
            vec!["*"],
        ] {
            assert!(is_held(&asked(&held), &etag), "{held:?}");
        }
        for other in [vec![], vec!["\"a\""], vec!["W/\"\""], vec![""], vec![&text[..25]]] {
            assert!(!is_held(&asked(&other), &etag), "{other:?}");
        }
    }
}
