//! A source that a caller may not see is not there for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::model::{Model, Nature, cx, gather, patient, rows};
use crate::gather::Gather;
use crate::gather::answer::GatherError;
use crate::gather::request::{InputCode, InteractionFilter, LeadFilter, Paging, SourceFilter};
use crate::model::caller::{Caller, Visible};
use crate::model::caps::Paging as Way;
use crate::model::cx::Cx;
use crate::model::id::{Key, NativeId, SourceId};

fn three() -> (Vec<Arc<Model>>, Gather) {
    let mut dice = fastrand::Rng::with_seed(5);
    let models: Vec<_> = ["a", "b/1", "b/2"]
        .into_iter()
        .map(|name| Model::new(name, Nature::calm(Way::Cursor), rows(name, 6, 3, &mut dice), 1))
        .collect();
    let gather = gather(&models, patient());
    (models, gather)
}

fn source(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

fn who(name: &str, sources: &[&str]) -> Cx {
    let sources = Visible::Only(sources.iter().map(|name| source(name)).collect());
    Cx { caller: Caller { sources, ..Caller::unrestricted(name) }, ..cx() }
}

fn of(names: &[&str]) -> LeadFilter {
    let sources = Some(names.iter().map(|name| source(name)).collect());
    LeadFilter { of: SourceFilter { sources, vendors: None }, ..LeadFilter::default() }
}

fn refusal<T>(answer: Result<T, GatherError>) -> (InputCode, String) {
    match answer {
        Err(GatherError::Input(error)) => (error.code, error.message),
        Err(GatherError::SourcesUnavailable { .. }) => panic!("a source was asked"),
        Ok(_) => panic!("an answer"),
    }
}

#[tokio::test]
async fn lists_hold_what_the_caller_may_see_and_ask_nobody_else() {
    let (models, gather) = three();
    for (sources, seen) in
        [(&["a"][..], &["a"][..]), (&["b"], &["b/1", "b/2"]), (&["b/2"], &["b/2"]), (&[], &[])]
    {
        let cx = who("one", sources);
        let page = gather.leads(&cx, &LeadFilter::default(), &Paging::default()).await.unwrap();
        let mut found: Vec<_> = page.nodes.iter().map(|lead| lead.key.source.as_str()).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, seen);
        assert_eq!(page.reports.iter().map(|report| report.source.as_str()).collect::<Vec<_>>(), seen);
        let views = gather.sources(&cx.caller);
        assert_eq!(views.iter().map(|view| view.id.as_str()).collect::<Vec<_>>(), seen);
    }
    let asked: Vec<_> = models.iter().map(|model| model.calls.load(Ordering::Relaxed)).collect();
    assert_eq!(asked, [1, 1, 1], "what one caller read is there for the next, and nobody read more");
}

#[tokio::test]
async fn hidden_source_is_refused_as_one_that_is_not_configured() {
    let (models, gather) = three();
    let cx = who("one", &["a"]);
    let filter = |name: &str| refusal_of_leads(&gather, &cx, of(&[name]));
    assert_eq!(filter("b/1").await, filter("nowhere").await);

    let lead = |name: &str| Key { source: source(name), native: NativeId::new("b/1-0").unwrap(), day: None };
    let leads =
        |name: &str| InteractionFilter { leads: Some(vec![lead(name)]), ..InteractionFilter::default() };
    let hidden = gather.interactions(&cx, &leads("b/1"), &Paging::default()).await;
    let unknown = gather.interactions(&cx, &leads("nowhere"), &Paging::default()).await;
    assert_eq!(refusal(hidden), refusal(unknown));

    let found = gather.leads_by_key(&cx, &[lead("b/1"), lead("nowhere")]).await;
    assert!(found.values().all(|found| matches!(found, Ok(None))), "neither exists");
    assert!(matches!(gather.recording_link(&cx, &lead("b/1")).await, Ok(None)));
    assert!(gather.source(&cx.caller, &source("b/1")).is_none());
    assert_eq!(gather.prices(&cx.caller, &of(&["b/1"]).of).each, []);
    assert!(models[1..].iter().all(|model| model.calls.load(Ordering::Relaxed) == 0));
}

async fn refusal_of_leads(gather: &Gather, cx: &Cx, filter: LeadFilter) -> (InputCode, String) {
    refusal(gather.leads(cx, &filter, &Paging::default()).await)
}

#[tokio::test]
async fn cursor_of_one_caller_is_no_cursor_for_another() {
    let (_, gather) = three();
    let page = Paging { first: Some(2), ..Paging::default() };
    let first = gather.leads(&who("one", &["a"]), &LeadFilter::default(), &page).await.unwrap();
    let next = Paging { after: first.end_cursor().map(str::to_owned), ..page };
    let stolen = gather.leads(&who("other", &["a", "b"]), &LeadFilter::default(), &next).await;
    assert_eq!(refusal(stolen).0, InputCode::CursorInvalid);
    let own = gather.leads(&who("one", &["a"]), &LeadFilter::default(), &next).await.unwrap();
    assert_eq!(own.nodes.len(), 2);
}

#[tokio::test]
async fn walk_goes_on_without_a_source_that_its_caller_no_longer_sees() {
    let (models, gather) = three();
    let page = Paging { first: Some(2), ..Paging::default() };
    let first = gather.leads(&who("one", &["a", "b"]), &LeadFilter::default(), &page).await.unwrap();
    let before: Vec<_> = models.iter().map(|model| model.calls.load(Ordering::Relaxed)).collect();
    let next = Paging { first: Some(50), after: first.end_cursor().map(str::to_owned), ..page };
    let rest = gather.leads(&who("one", &["a"]), &LeadFilter::default(), &next).await.unwrap();
    assert!(rest.nodes.iter().all(|lead| lead.key.source.as_str() == "a"));
    assert!(rest.incomplete);
    let after: Vec<_> = models.iter().map(|model| model.calls.load(Ordering::Relaxed)).collect();
    assert_eq!(before[1..], after[1..]);
}
