use super::*;

const KINDS: [SourceErrorKind; 15] = [
    SourceErrorKind::Unreachable,
    SourceErrorKind::Timeout,
    SourceErrorKind::RateLimited,
    SourceErrorKind::QuotaExhausted,
    SourceErrorKind::BreakerOpen,
    SourceErrorKind::Unauthorized,
    SourceErrorKind::NotFound,
    SourceErrorKind::VendorError,
    SourceErrorKind::Protocol,
    SourceErrorKind::TooLarge,
    SourceErrorKind::MethodRefused,
    SourceErrorKind::Unsupported,
    SourceErrorKind::BudgetExhausted,
    SourceErrorKind::Overloaded,
    SourceErrorKind::StaleToken,
];

fn acme() -> SourceId {
    SourceId::new("acme").unwrap()
}

fn shown(error: ClientError) -> (String, serde_json::Value) {
    let error: async_graphql::Error = error.into();
    (error.message, serde_json::to_value(error.extensions.unwrap()).unwrap())
}

#[test]
fn a_sources_failure_names_the_source_and_when_to_ask_again_but_never_its_cause() {
    let cause = std::io::Error::other("https://vendor.example/?key=hush");
    let error = SourceError::new(&acme(), "leads.list", SourceErrorKind::RateLimited)
        .retry_after(Some(Duration::from_millis(1_500)))
        .because(cause);
    let (message, extensions) = shown(error.into());
    assert_eq!(message, "The vendor says that it is asked too often.");
    assert_eq!(
        extensions,
        serde_json::json!({
            "code": "SOURCE_RATE_LIMITED", "source": "acme", "retryable": true, "retryAfterMs": 1500
        })
    );
}

#[test]
fn the_code_in_errors_is_the_code_in_reports() {
    for kind in KINDS {
        let word = async_graphql::resolver_utils::enum_value(
            crate::graphql::types::failure::SourceErrorCode::from(kind),
        );
        assert_eq!(format!("SOURCE_{word}"), source_code(kind));
    }
}

#[test]
fn an_answer_without_any_source_lists_them_all() {
    let failures = vec![
        SourceError::new(&acme(), "leads.list", SourceErrorKind::Unauthorized),
        SourceError::new(&SourceId::new("other").unwrap(), "leads.list", SourceErrorKind::Timeout),
    ];
    let retry_after = Some(Duration::from_secs(2));
    let (_, extensions) = shown(GatherError::SourcesUnavailable { failures, retry_after }.into());
    assert_eq!(
        extensions,
        serde_json::json!({
            "code": "SOURCES_UNAVAILABLE", "retryable": true, "retryAfterMs": 2000,
            "sources": [
                { "source": "acme", "code": "SOURCE_UNAUTHORIZED", "retryable": false },
                { "source": "other", "code": "SOURCE_TIMEOUT", "retryable": true },
            ],
        })
    );
}

#[test]
fn bad_input_keeps_its_words() {
    for (code, word) in [
        (InputCode::BadUserInput, "BAD_USER_INPUT"),
        (InputCode::BadId, "BAD_ID"),
        (InputCode::CursorInvalid, "CURSOR_INVALID"),
        (InputCode::CursorExpired, "CURSOR_EXPIRED"),
        (InputCode::CursorFilterMismatch, "CURSOR_FILTER_MISMATCH"),
        (InputCode::BackwardLimit, "BACKWARD_LIMIT"),
    ] {
        let error = InputError { code, message: "first must be 1 to 100".to_owned() };
        let (message, extensions) = shown(GatherError::Input(error).into());
        assert_eq!(message, "first must be 1 to 100");
        assert_eq!(extensions, serde_json::json!({ "code": word }));
    }
}

#[test]
fn long_waits_are_as_long_as_an_int_can_say() {
    assert_eq!(millis(Duration::from_secs(u64::MAX)), i32::MAX);
}
