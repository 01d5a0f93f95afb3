//! Hostile requests, class by class: what they send and what they are told. Names nothing of the gateway, so that it can be sent
//! by any way in, and measured by the bench.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A class of hostile requests, by one example.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) sent: Sent,
    /// The `extensions.code` of its first error; `None`: it is harmless, and answered.
    pub(crate) code: Option<&'static str>,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) enum Sent {
    /// A GraphQL request, by whatever way in.
    Request(Value),
    /// The body of a POST: what is wrong with it is not GraphQL's.
    Body(Vec<u8>),
}

impl Class {
    /// The body of a POST.
    pub(crate) fn body(&self) -> Vec<u8> {
        match &self.sent {
            Sent::Request(request) => request.to_string().into_bytes(),
            Sent::Body(body) => body.clone(),
        }
    }
}

/// A value in some of the requests, as personal data would be. No answer may hold it.
pub(crate) const PERSONAL: &str = "ada.lovelace@example.com";

const COMPLEX: Option<&str> = Some("DOCUMENT_TOO_COMPLEX");
const NODES: Option<&str> = Some("NODE_COST_EXCEEDED");
const UNPARSED: Option<&str> = Some("GRAPHQL_PARSE_FAILED");
const INVALID: Option<&str> = Some("GRAPHQL_VALIDATION_FAILED");
const VARIABLES: Option<&str> = Some("VARIABLES_TOO_COMPLEX");
const INPUT: Option<&str> = Some("BAD_USER_INPUT");
const REQUEST: Option<&str> = Some("BAD_REQUEST");
const LARGE: Option<&str> = Some("PAYLOAD_TOO_LARGE");

/// All classes.
pub(crate) fn classes() -> Vec<Class> {
    [fragments(), many(), nested(), texts(), variables(), lists(), introspection(), bodies()].concat()
}

fn class(name: &'static str, code: Option<&'static str>, sent: Sent) -> Class {
    Class { name, sent, code }
}

fn query(name: &'static str, code: Option<&'static str>, query: impl Into<String>) -> Class {
    class(name, code, Sent::Request(json!({ "query": query.into() })))
}

fn with(name: &'static str, code: Option<&'static str>, query: &str, variables: Value) -> Class {
    class(name, code, Sent::Request(json!({ "query": query, "variables": variables })))
}

fn body(name: &'static str, code: Option<&'static str>, body: impl Into<Vec<u8>>) -> Class {
    class(name, code, Sent::Body(body.into()))
}

/// Something for each number.
fn each(count: usize, what: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut all, n| {
        let _ = write!(all, "{} ", what(n));
        all
    })
}

fn around(depth: usize, open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

/// Fragments, each of which spreads the next one so many times.
fn bomb(head: &str, fragments: usize, spreads: usize) -> String {
    let next = |n: usize| format!("...F{} ", n + 1).repeat(spreads);
    let bodies = each(fragments, |n| format!("fragment F{n} on Query {{ {} }}", next(n)));
    format!("{head} {bodies} fragment F{fragments} on Query {{ __typename }}")
}

fn fragments() -> Vec<Class> {
    let circle = "{ ...F } fragment F on Query { ...G ...G } fragment G on Query { ...F ...F }";
    let ten = "{ id name email phone status createdAt updatedAt vendorId vendorStatus phoneE164 }";
    let spreads = |count: usize| "...F ".repeat(count);
    vec![
        query("fragment bomb 2 x 14", COMPLEX, bomb("{ ...F0 }", 14, 2)),
        query("fragment bomb 2 x 20", COMPLEX, bomb("{ ...F0 }", 20, 2)),
        query("fragment bomb 2 x 28", COMPLEX, bomb("{ ...F0 }", 28, 2)),
        query("fragment bomb 10 x 9", COMPLEX, bomb("{ ...F0 }", 9, 10)),
        query("fragment bomb that nobody uses", COMPLEX, bomb("{ __typename }", 9, 10)),
        query("fragments in a circle with fan-out", INVALID, circle),
        query("fragment that spreads itself", INVALID, "{ ...F } fragment F on Query { ...F }"),
        query(
            "one fragment spread 6,000 times",
            COMPLEX,
            format!("{{ {} }} fragment F on Query {{ a }}", spreads(6_000)),
        ),
        query(
            "large fragment spread 900 times",
            COMPLEX,
            format!("{{ lead(id: \"x\") {{ {} }} }} fragment F on Lead {ten}", spreads(900)),
        ),
        query(
            "aliases and fragments mixed",
            COMPLEX,
            format!(
                "{{ {} }} fragment F on Query {{ {} }}",
                each(9, |n| format!("a{n}: leads {{ ...G }}")),
                each(9, |_| "...F".into())
            ) + &format!("fragment G on LeadConnection {{ {} }}", each(30, |n| format!("b{n}: incomplete"))),
        ),
        query("fragment by a name that parsers disagree on", UNPARSED, {
            let spread = "...on#\n a ".repeat(300);
            format!("fragment on on Query {{ {} }} {{ {spread} }}", "__typename ".repeat(300))
        }),
        query(
            "1,000 fragments that nobody uses",
            COMPLEX,
            format!("{{ __typename }} {}", each(1_000, |n| format!("fragment F{n} on A {{ a }}"))),
        ),
    ]
}

fn many() -> Vec<Class> {
    vec![
        query(
            "1,000 aliases",
            COMPLEX,
            format!("{{ leads {{ {} }} }}", each(1_000, |n| format!("a{n}: incomplete"))),
        ),
        query(
            "1,500 aliases of __typename",
            COMPLEX,
            format!("{{ {} }}", each(1_500, |n| format!("a{n}: __typename"))),
        ),
        query("one root field 2,000 times", COMPLEX, format!("{{ {} }}", "__typename ".repeat(2_000))),
        query(
            "11 root fields by a fragment",
            COMPLEX,
            format!("{{ ...F }} fragment F on Query {{ {} }}", "__typename ".repeat(11)),
        ),
        query("one field 8,000 times", COMPLEX, format!("{{ leads {{ {} }} }}", "id ".repeat(8_000))),
        query("5,000 directives on a field", COMPLEX, format!("{{ __typename {} }}", "@a ".repeat(5_000))),
        query(
            "5,000 unknown directives on the operation",
            COMPLEX,
            format!("query Q {} {{ __typename }}", "@a ".repeat(5_000)),
        ),
        query("@include by variable, everywhere", COMPLEX, {
            format!("query($v: Boolean! = true) {{ {} }}", "__typename @include(if: $v) ".repeat(25))
        }),
        query(
            "1,000 variables that nobody uses",
            COMPLEX,
            format!("query({}) {{ __typename }}", each(1_000, |n| format!("$v{n}: Int"))),
        ),
        query("200 operations", COMPLEX, each(200, |n| format!("query Q{n} {{ __typename }}"))),
        query(
            "25 mutations in one",
            COMPLEX,
            format!("mutation {{ {} }}", each(25, |n| format!("m{n}: __typename"))),
        ),
        query(
            "25 subscriptions in one",
            COMPLEX,
            format!("subscription {{ {} }}", each(25, |n| format!("s{n}: __typename"))),
        ),
        query(
            "1,800 unknown fields",
            INVALID,
            format!("{{ leads {{ {} }} }}", each(1_800, |n| format!("incomplet{n}"))),
        ),
        query(
            "names of 8 KiB that are nearly right",
            INVALID,
            format!("{{ leads {{ {} }} }}", each(3, |_| "x".repeat(8_000))),
        ),
        query("150 fields in conflict", INVALID, {
            format!(
                "{{ lead(id: \"x\") {{ {} }} }}",
                each(150, |n| format!("interactions(first: {n}) {{ incomplete }}"))
            )
        }),
        query(
            "170 unknown arguments",
            INVALID,
            format!("{{ lead({}) {{ id }} }}", each(170, |n| format!("idd{n}: \"{PERSONAL}\""))),
        ),
    ]
}

fn nested() -> Vec<Class> {
    vec![
        query("selections 5,000 deep", COMPLEX, around(5_000, "{ a ", "", "}")),
        query(
            "fragments without a name 5,000 deep",
            COMPLEX,
            format!("{{ {} }}", around(5_000, "...{", "a", "}")),
        ),
        query(
            "lists 5,000 deep",
            COMPLEX,
            format!("{{ lead(id: {}) {{ id }} }}", around(5_000, "[", "1", "]")),
        ),
        query(
            "objects 5,000 deep",
            COMPLEX,
            format!("{{ leads(filter: {}) {{ incomplete }} }}", around(5_000, "{a:", "1", "}")),
        ),
        query(
            "types 5,000 deep",
            COMPLEX,
            format!("query($a: {}) {{ __typename }}", around(5_000, "[", "Int", "]")),
        ),
        query(
            "a filter 20 deep",
            INVALID,
            format!("{{ leads(filter: {}) {{ incomplete }} }}", around(20, "{status:", "1", "}")),
        ),
        query("nothing but brackets that open", COMPLEX, "{".repeat(30_000)),
        query("nothing but brackets that close", UNPARSED, "}".repeat(30_000)),
    ]
}

fn texts() -> Vec<Class> {
    let lead = |id: &str| format!("{{ lead(id: {id}) {{ id }} }}");
    vec![
        query("text of 30 KB", COMPLEX, lead(&format!("\"{}\"", "x".repeat(30_000)))),
        query("comment of 30 KB", None, format!("{{ __typename }} #{}", "}{".repeat(15_000))),
        query(
            "block string without an end",
            UNPARSED,
            lead(&format!("\"\"\"{}", "\\\"\"\"\"\" ".repeat(3_000))),
        ),
        query("number of 30,000 digits", COMPLEX, lead(&"1".repeat(30_000))),
        query("numbers that parsers disagree on", UNPARSED, lead(&format!("[{}]", "0".repeat(30_000)))),
        query("words that parsers disagree on", UNPARSED, lead(&format!("[{}]", "true".repeat(2_000)))),
        query("10,000 values in a list", COMPLEX, lead(&format!("[{}]", "1 ".repeat(10_000)))),
        query("escape of half a character", UNPARSED, lead("\"\\ud800\"")),
        query("control characters", UNPARSED, "{\u{0}\u{1}\u{1b}[31m __typename }"),
        query(
            "marks of order everywhere",
            None,
            "{\u{feff}__typename\u{feff}}".to_owned() + &"\u{feff}".repeat(9_000),
        ),
        query(
            "personal data in a line that does not parse",
            UNPARSED,
            format!("{{ lead(id: \"{PERSONAL}\" {}", "a ".repeat(800)),
        ),
        query("nothing", UNPARSED, ""),
        query("a document of 80 KB", COMPLEX, format!("{{ __typename }}{}", " ".repeat(80_000))),
    ]
}

fn variables() -> Vec<Class> {
    let ids = "query($a: [ID!]!) { nodes(ids: $a) { id } }";
    let used = format!(
        "query($f: InteractionFilter) {{ lead(id: \"x\") {{ {} }} }}",
        "interactions(filter: $f) { incomplete } ".repeat(180)
    );
    vec![
        with("variable with 20,000 values", VARIABLES, ids, json!({ "a": vec![1; 20_000] })),
        with(
            "variables 100 deep",
            VARIABLES,
            ids,
            (0..50).fold(json!({ "a": 1 }), |inner, _| json!({ "a": [inner] })),
        ),
        with("variable of 70 KB", VARIABLES, ids, json!({ "a": ["x".repeat(70_000)] })),
        with("names of variables, 70 KB of them", VARIABLES, ids, json!({ "x".repeat(70_000): 1 })),
        with(
            "variable with 900 values, used 180 times",
            Some("BAD_ID"),
            &used,
            json!({ "f": { "leads": vec!["x"; 900] } }),
        ),
        with("variable of the wrong kind", INVALID, ids, json!({ "a": { PERSONAL: PERSONAL } })),
        with(
            "member that there is not",
            INVALID,
            "query($f: LeadFilter) { leads(filter: $f) { incomplete } }",
            json!({ "f": { PERSONAL: 1 } }),
        ),
        with("half a character among variables", REQUEST, ids, json!({ "a": ["HALF"] })).halved(),
        class(
            "name of an operation, 60 KB of it",
            Some("OPERATION_RESOLUTION_FAILURE"),
            Sent::Request(json!({
                "query": "{ __typename }", "operationName": "x".repeat(60_000)
            })),
        ),
        class(
            "hash of a document that nobody has shown",
            Some("PERSISTED_QUERY_NOT_FOUND"),
            Sent::Request(json!({
                "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "ab".repeat(32) } }
            })),
        ),
    ]
}

impl Class {
    /// With half a character where a text says so, which no JSON of ours can write.
    fn halved(self) -> Self {
        let body = String::from_utf8(self.body()).unwrap_or_default().replace("HALF", "\\ud800");
        Self { sent: Sent::Body(body.into_bytes()), ..self }
    }
}

fn lists() -> Vec<Class> {
    let nested = (0..4).fold("id".to_owned(), |inner, n| {
        let back = if n % 2 == 0 { "interactions(first: 100)" } else { "interactions(last: 100)" };
        format!("{back} {{ nodes {{ lead {{ {inner} }} }} }}")
    });
    vec![
        query(
            "lists in lists, 100 to the fifth",
            NODES,
            format!("{{ leads(first: 100) {{ nodes {{ {nested} }} }} }}"),
        ),
        query("lists in lists by the defaults of variables", NODES, {
            "query($n: Int = 100) { leads(first: $n) { nodes { interactions(first: $n) { nodes { id } } } } }"
        }),
        query("thousands of values of each record", NODES, {
            format!("{{ leads(first: 100) {{ nodes {{ {} }} }} }}", "name ".repeat(1_900))
        }),
        query("calls to vendors by the hundred", Some("UPSTREAM_COST_EXCEEDED"), {
            "{ leads(first: 90) { nodes { interactions(first: 3) { nodes { id } } } } }"
        }),
        query("first, huge", INPUT, "{ leads(first: 1000000) { incomplete } }"),
        query("first, negative", INPUT, "{ leads(first: -1) { incomplete } }"),
        query(
            "first, beyond all integers",
            INVALID,
            format!("{{ leads(first: {}) {{ incomplete }} }}", "9".repeat(200)),
        ),
        with(
            "first, beyond all integers, by variable",
            INVALID,
            "query($n: Int) { leads(first: $n) { incomplete } }",
            json!({ "n": 1e300 }),
        ),
        query("1,000 ids", INPUT, format!("{{ nodes(ids: [{}]) {{ id }} }}", "\"x\" ".repeat(1_000))),
        query(
            "cursor of 8 KB",
            Some("CURSOR_INVALID"),
            format!("{{ leads(after: \"{}\") {{ incomplete }} }}", "x".repeat(8_000)),
        ),
    ]
}

fn introspection() -> Vec<Class> {
    let fields = (0..6).fold("name".to_owned(), |inner, _| format!("fields {{ type {{ {inner} }} }}"));
    let one = (0..7).fold("name".to_owned(), |inner, _| format!("fields {{ type {{ {inner} }} }}"));
    let broad = "fields { args { type { name } } type { name } } inputFields { type { name } } ".repeat(30);
    vec![
        query("introspection in circles", COMPLEX, format!("{{ __schema {{ types {{ {fields} }} }} }}")),
        query(
            "introspection in circles from one type",
            COMPLEX,
            format!("{{ __type(name: \"Query\") {{ {} }} }}", one.repeat(12)),
        ),
        query(
            "introspection, thirty times as broad",
            COMPLEX,
            format!("{{ __schema {{ types {{ {broad} }} }} }}"),
        ),
        query("introspection of types by name, ten at once", COMPLEX, {
            each(10, |n| format!("t{n}: __type(name: \"Lead\") {{ {one} }}")).replace("t0", "{ t0") + "}"
        }),
    ]
}

fn bodies() -> Vec<Class> {
    let plain = r#"{"query":"{ __typename }"}"#;
    let utf16: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        body(
            "body of 1 MB",
            LARGE,
            json!({ "query": "{ __typename }", "x": "x".repeat(1_000_000) }).to_string(),
        ),
        body("JSON 50,000 deep", REQUEST, around(50_000, "[", "", "]")),
        body(
            "JSON 20,000 deep among variables",
            REQUEST,
            format!(r#"{{"query":"{{a}}","variables":{{"a":{}}}}}"#, around(20_000, "[", "", "]")),
        ),
        body("batch of 4,000", REQUEST, format!("[{}]", [plain; 4_000].join(","))).shortened(),
        body("mark of order before the body", REQUEST, format!("\u{feff}{plain}")),
        body("body in UTF-16", REQUEST, utf16),
        body("bytes that are no UTF-8", REQUEST, [plain.as_bytes(), b"\xff\xfe"].concat()),
        body("one member twice", None, r#"{"query":"{ leads { nope } }","query":"{ __typename }"}"#),
        body("member of the wrong kind", REQUEST, r#"{"query":["{ __typename }"]}"#),
        body("half of a body", REQUEST, r#"{"query":"{ __typ"#),
    ]
}

impl Class {
    /// As much of a body as the server takes.
    fn shortened(self) -> Self {
        let mut body = self.body();
        body.truncate(100_000);
        while body.last().is_some_and(|byte| *byte != b'}') {
            body.pop();
        }
        body.push(b']');
        Self { sent: Sent::Body(body), ..self }
    }
}
