use serde_json::json;

use super::*;

const TEXT: &str = "{ __typename }";

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn apollo(id: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": id } })
}

async fn find(documents: &Documents, text: &str, extensions: &Value) -> Result<Found, &'static str> {
    documents.find(text.to_owned(), None, extensions).await.map_err(|refusal| refusal.code)
}

fn trusting(manifest: &str, only_trusted: bool) -> Documents {
    let trusted = Arc::new(Manifest::parse(manifest).unwrap());
    Documents::new(DocumentSettings { trusted, only_trusted, ..DocumentSettings::default() })
}

#[tokio::test]
async fn document_is_found_by_its_hash_once_it_was_kept() {
    let documents = Documents::new(DocumentSettings::default());
    let extensions = apollo(&hex(TEXT));
    assert_eq!(find(&documents, "", &extensions).await.unwrap_err(), "PERSISTED_QUERY_NOT_FOUND");
    let shown = find(&documents, TEXT, &extensions).await.unwrap();
    assert!(!shown.named && shown.text == TEXT);
    assert!(find(&documents, "", &extensions).await.is_err(), "what was shown is kept only when it has run");
    documents.keep(shown.keep.unwrap(), TEXT.into()).await;
    let named = find(&documents, "", &extensions).await.unwrap();
    assert!(named.named && named.text == TEXT && named.keep.is_none());
    let id = format!("sha256:{}", hex(TEXT));
    let named = documents.find(String::new(), Some(&id), &Value::Null).await;
    assert_eq!(named.ok().unwrap().text, TEXT, "the specification's name for it");
}

#[tokio::test]
async fn wrong_hash_is_refused() {
    let documents = Documents::new(DocumentSettings::default());
    let found = find(&documents, TEXT, &apollo(&hex("{ other }"))).await;
    assert_eq!(found.unwrap_err(), "PERSISTED_QUERY_HASH_MISMATCH");
    for odd in ["7", "", "zz"] {
        let shown = find(&documents, TEXT, &apollo(odd)).await.unwrap();
        assert!(shown.keep.is_none(), "{odd} is no hash, so nothing is kept under it");
    }
    for odd in
        [json!({}), json!({ "version": 2, "sha256Hash": hex(TEXT) }), json!(7), json!({ "version": 1 })]
    {
        let found = find(&documents, "", &json!({ "persistedQuery": odd })).await;
        assert_eq!(found.unwrap_err(), "BAD_USER_INPUT", "{odd}");
    }
}

#[tokio::test]
async fn what_is_kept_is_bounded_in_number_and_bytes() {
    let documents = Documents::new(DocumentSettings::default());
    let kept = |text: String| {
        let documents = documents.clone();
        async move {
            let hash = Hash::from(Sha256::digest(&text));
            documents.keep(hash, text.into()).await;
            documents.kept.run_pending_tasks().await;
            hash
        }
    };
    let first = kept("{ first }".to_owned()).await;
    for n in 0..1_500 {
        kept(format!("{{ f{n} }}")).await;
    }
    assert!((900..=1_000).contains(&documents.kept.entry_count()), "{}", documents.kept.entry_count());
    assert_eq!(documents.kept.get(&first).await, None, "the one not used for longest has gone");
    for n in 0..200 {
        kept(format!("{{ f{n} # {} \n }}", "x".repeat(60_000))).await;
    }
    let bytes: usize = documents.kept.iter().map(|(_, text)| text.len()).sum();
    assert!(bytes <= 4 << 20 && bytes > 3 << 20, "{bytes}");
}

#[tokio::test]
async fn manifests_of_both_tools_are_read() {
    let relay = json!({ "1f0e": TEXT, "2a": "query B { b }" }).to_string();
    let apollo_format = json!({
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{ "id": "1f0e", "name": "A", "type": "query", "body": TEXT }],
    });
    for manifest in [relay, apollo_format.to_string()] {
        let documents = trusting(&manifest, false);
        let found = documents.find(String::new(), Some("1f0e"), &Value::Null).await.ok().unwrap();
        assert!(found.named && found.text == TEXT);
        assert_eq!(find(&documents, "", &apollo("1f0e")).await.unwrap().text, TEXT);
        assert_eq!(find(&documents, "{ free }", &Value::Null).await.unwrap().text, "{ free }");
    }
}

#[test]
fn manifest_that_is_none_is_told_why() {
    let format = "apollo-persisted-query-manifest";
    for (text, said) in [
        ("{".to_owned(), "not JSON at line 1"),
        ("[]".to_owned(), "neither"),
        (json!({ "a": 7 }).to_string(), "neither"),
        ("{}".to_owned(), "no documents"),
        (json!({ "a": "{" }).to_string(), "document \"a\" is not GraphQL"),
        (json!({ "format": "other", "version": 1, "operations": [] }).to_string(), "not of the format"),
        (json!({ "format": format, "version": 2, "operations": [] }).to_string(), "not of the format"),
        (json!({ "format": format, "operations": 7 }).to_string(), "as Apollo's tools write it"),
        (
            json!({ "format": format, "version": 1, "operations": [
                { "id": "a", "body": TEXT }, { "id": "sha256:a", "body": TEXT },
            ] })
            .to_string(),
            "twice",
        ),
    ] {
        let problem = Manifest::parse(&text).unwrap_err();
        assert!(problem.contains(said), "{text} -> {problem}");
    }
}

#[tokio::test]
async fn nothing_but_trusted_documents_runs_where_only_they_may() {
    let documents = trusting(&json!({ hex(TEXT): TEXT }).to_string(), true);
    assert_eq!(find(&documents, "", &apollo(&hex(TEXT))).await.unwrap().text, TEXT);
    for (text, extensions, code) in [
        (TEXT, Value::Null, "PERSISTED_QUERY_ID_REQUIRED"),
        ("", Value::Null, "PERSISTED_QUERY_ID_REQUIRED"),
        (TEXT, apollo(&hex(TEXT)), "PERSISTED_QUERY_ID_REQUIRED"),
        ("", apollo(&hex("{ other }")), "PERSISTED_QUERY_NOT_IN_LIST"),
    ] {
        assert_eq!(find(&documents, text, &extensions).await.unwrap_err(), code, "{text}");
    }
}

#[tokio::test]
async fn nothing_is_kept_where_that_is_switched_off() {
    let documents = Documents::new(DocumentSettings { automatic: false, ..DocumentSettings::default() });
    let extensions = apollo(&hex(TEXT));
    assert_eq!(find(&documents, "", &extensions).await.unwrap_err(), "PERSISTED_QUERY_NOT_SUPPORTED");
    assert!(find(&documents, TEXT, &extensions).await.unwrap().keep.is_none());
}
