//! GraphiQL at `/`, whole in the binary: it works with no network, and nothing it runs comes from elsewhere.
//!
//! The files are those of the npm packages named in `graphiql/LICENSES.txt`, unchanged, compressed with `gzip -9n`.

use std::io::Read;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use sha2::{Digest, Sha256};

/// Only what this server sends may run. GraphiQL's editor needs styles set by script, its style sheet holds its fonts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    font-src 'self' data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// What the tabs hold at first: the same files as in `examples/queries/`.
pub(super) const QUERIES: [&str; 8] = [
    include_str!("../../examples/queries/leads.graphql"),
    include_str!("../../examples/queries/lead_with_interactions.graphql"),
    include_str!("../../examples/queries/conversations.graphql"),
    include_str!("../../examples/queries/filtered_leads.graphql"),
    include_str!("../../examples/queries/sources.graphql"),
    include_str!("../../examples/queries/vendor_down.graphql"),
    include_str!("../../examples/queries/update_lead.graphql"),
    include_str!("../../examples/queries/events.graphql"),
];

/// One file of the page.
#[derive(Clone)]
struct Asset {
    kind: &'static str,
    content: Content,
    tag: HeaderValue,
}

#[derive(Clone)]
enum Content {
    Plain(Bytes),
    Gzip(&'static [u8]),
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

const PACKED: [(&str, &str, &[u8]); 6] = [
    ("/graphiql/react-18.3.1.js", SCRIPT, include_bytes!("graphiql/react.js.gz")),
    ("/graphiql/react-dom-18.3.1.js", SCRIPT, include_bytes!("graphiql/react-dom.js.gz")),
    ("/graphiql/graphiql-4.1.2.js", SCRIPT, include_bytes!("graphiql/graphiql.js.gz")),
    ("/graphiql/graphiql-4.1.2.css", STYLE, include_bytes!("graphiql/graphiql.css.gz")),
    ("/graphiql/explorer-4.0.6.js", SCRIPT, include_bytes!("graphiql/explorer.js.gz")),
    ("/graphiql/explorer-4.0.6.css", STYLE, include_bytes!("graphiql/explorer.css.gz")),
];

/// The page, its files and their licences.
pub(super) fn routes() -> Router {
    let page = "text/html; charset=utf-8";
    let text = "text/plain; charset=utf-8";
    let plain = [
        ("/", page, Bytes::from_static(include_bytes!("graphiql/index.html"))),
        ("/graphiql/boot.js", SCRIPT, Bytes::from_static(include_bytes!("graphiql/boot.js"))),
        ("/graphiql/queries.js", SCRIPT, Bytes::from(queries())),
        ("/graphiql/LICENSES.txt", text, Bytes::from_static(include_bytes!("graphiql/LICENSES.txt"))),
    ];
    let mut router = Router::new();
    for (path, kind, bytes) in plain {
        let tag = tag(&bytes);
        router = router.route(path, serving(Asset { kind, content: Content::Plain(bytes), tag }));
    }
    for (path, kind, bytes) in PACKED {
        router = router.route(path, serving(Asset { kind, content: Content::Gzip(bytes), tag: tag(bytes) }));
    }
    router
}

fn serving(asset: Asset) -> axum::routing::MethodRouter {
    get(move |headers: HeaderMap| {
        let response = asset.answer(&headers);
        async move { response }
    })
}

/// The queries as a script, since a page under this policy may hold none itself.
fn queries() -> String {
    // JSON is JavaScript; the texts are ours, so nothing in them can end the script.
    format!("window.LEADGRAPH_QUERIES = {};\n", serde_json::json!(QUERIES))
}

fn tag(bytes: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

impl Asset {
    fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let known = asked.get(header::IF_NONE_MATCH).is_some_and(|seen| {
            seen.to_str().is_ok_and(|seen| {
                seen.split(',')
                    .any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == self.tag.as_bytes())
            })
        });
        let mut response = Response::new(Body::empty());
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let gzip = takes_gzip(asked);
            *response.body_mut() = match &self.content {
                Content::Plain(bytes) => Body::from(bytes.clone()),
                Content::Gzip(bytes) if gzip => Body::from(*bytes),
                Content::Gzip(bytes) => Body::from(unpacked(bytes)),
            };
            if gzip && matches!(self.content, Content::Gzip(_)) {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        // Packed files bear their version in their names; the others change from release to release.
        let kept = match self.content {
            Content::Plain(_) => "no-cache",
            Content::Gzip(_) => "public, max-age=31536000, immutable",
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        response
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    text.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Of our own files only; rare enough that it is done each time.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    match flate2::read::GzDecoder::new(bytes).read_to_end(&mut whole) {
        Ok(_) => whole,
        Err(_) => Vec::new(),
    }
}
