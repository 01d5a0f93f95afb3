//! Partial answers: what fails is told, what is there arrives, and what was missed is caught up with.

use std::collections::BTreeSet;
use std::time::Duration;

use leadgraph::upstream::policy::Policy;
use leadgraph::vendors::simulation::{Fault, Rule};
use serde_json::json;

use crate::harness::{Answer, CHATZURI, LEADSAIL, List, Page, Plan, Query, SPELO, World, elements, records};

const VENDORS: [&str; 3] = [CHATZURI, LEADSAIL, SPELO];

/// One attempt.
fn impatient(policy: &mut Policy) {
    policy.max_attempts = 1;
}

/// One attempt, which does not take long.
fn hasty(policy: &mut Policy) {
    (policy.max_attempts, policy.attempt_timeout) = (1, Duration::from_secs(2));
}

fn status(status: u16, retry_after: Option<&str>) -> Fault {
    Fault::Status { status, retry_after: retry_after.map(str::to_owned) }
}

/// All leads there are, each once.
fn check_whole(pages: &[Page], world: &World) {
    let given = records(pages);
    let distinct: BTreeSet<_> = given.iter().cloned().collect();
    assert_eq!(distinct.len(), given.len(), "something came twice");
    let lost: Vec<_> = world.leads().into_iter().filter(|lead| !distinct.contains(lead)).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
}

/// Two pages while `vendor` fails with `fault`, which must be told as `code`; then all the rest, by a gateway that finds it healed.
async fn others_arrive_while_one_fails(vendor: &'static str, fault: Fault, code: &str) {
    let case = format!("{vendor}: {fault:?}");
    let policy = if fault == Fault::Hang { hasty } else { impatient };
    let mut world = Plan::new(60, 30).policy(policy).start().await;
    world.fault(vendor, [Rule::always(fault)]);
    let mut pages = vec![List::leads().page(&world, json!({ "first": 50 })).await];
    pages.push(List::leads().page(&world, json!({ "first": 50, "after": pages[0].end() })).await);
    let others: Vec<_> =
        world.leads().into_iter().filter(|(source, _)| !source.starts_with(vendor)).collect();
    assert_eq!(records(&pages), others[..100], "{case}");
    for page in &pages {
        let report = page.report(vendor);
        assert_eq!((&report["status"], &report["error"]["code"]), (&json!("FAILED"), &json!(code)), "{case}");
        assert!(page.incomplete() && page.has_next(), "{case}");
    }
    world.fault(vendor, []);
    world.gateway().await;
    while pages.last().unwrap().has_next() {
        let after = pages.last().unwrap().end();
        pages.push(List::leads().page(&world, json!({ "first": 50, "after": after })).await);
    }
    assert!(pages[2].report(vendor)["catchingUp"] == true && !pages[2].incomplete(), "{case}");
    check_whole(&pages, &world);
}

#[tokio::test]
async fn vendor_that_cuts_connections_costs_only_its_own_leads() {
    for vendor in VENDORS {
        others_arrive_while_one_fails(vendor, Fault::Reset, "UNREACHABLE").await;
    }
}

#[tokio::test]
async fn vendor_that_fails_costs_only_its_own_leads() {
    for vendor in VENDORS {
        others_arrive_while_one_fails(vendor, status(500, None), "VENDOR_ERROR").await;
    }
}

#[tokio::test]
async fn vendor_that_answers_html_or_half_costs_only_its_own_leads() {
    for vendor in VENDORS {
        others_arrive_while_one_fails(vendor, Fault::Html, "PROTOCOL").await;
        others_arrive_while_one_fails(vendor, Fault::WrongJson, "PROTOCOL").await;
        others_arrive_while_one_fails(vendor, Fault::Truncate, "UNREACHABLE").await;
    }
}

#[tokio::test]
async fn vendor_that_refuses_the_key_costs_only_its_own_leads() {
    for vendor in VENDORS {
        others_arrive_while_one_fails(vendor, status(401, None), "UNAUTHORIZED").await;
    }
}

#[tokio::test]
async fn vendor_that_never_answers_costs_only_its_own_leads() {
    others_arrive_while_one_fails(SPELO, Fault::Hang, "TIMEOUT").await;
}

#[tokio::test]
async fn vendor_that_sends_too_much_or_elsewhere_costs_only_its_own_leads() {
    let bytes = 9 * 1024 * 1024;
    others_arrive_while_one_fails(LEADSAIL, Fault::Huge { bytes }, "PROTOCOL").await;
    others_arrive_while_one_fails(CHATZURI, Fault::GzipBomb { bytes }, "PROTOCOL").await;
    let location = "http://127.0.0.1:9/v1/public/leads".to_owned();
    others_arrive_while_one_fails(SPELO, Fault::Redirect { location }, "PROTOCOL").await;
}

#[tokio::test]
async fn vendor_that_takes_too_long_is_not_waited_for() {
    let plan = Plan::new(60, 30).settings(|settings| settings.source_timeout = Duration::from_secs(2));
    let world = plan.start().await;
    world.fault(SPELO, [Rule::always(Fault::Hang)]);
    let page = List::leads().page(&world, json!({ "first": 10 })).await;
    assert_eq!((page.records().len(), &page.report(SPELO)["error"]["code"]), (10, &json!("TIMEOUT")));
}

#[tokio::test]
async fn example_of_a_vendor_that_is_down_is_answered_as_the_readme_shows() {
    let plan =
        Plan::new(60, 30).agents(2).settings(|settings| settings.source_timeout = Duration::from_secs(2));
    let world = plan.start().await;
    world.fault(SPELO, [Rule::always(Fault::Hang)]);
    let answer = world.ask(include_str!("../../examples/queries/vendor_down.graphql")).await;
    let conversations = &answer.data()["conversations"];
    let nodes = elements(&conversations["nodes"]);
    assert!(nodes.len() == 2 && nodes.iter().all(|node| node["vendor"] == "CHATZURI"), "{nodes:?}");
    assert_eq!(conversations["incomplete"], true);
    // The very words, but for white space.
    let packed = |text: &str| text.split_whitespace().collect::<String>();
    let readme = packed(include_str!("../../README.md"));
    for report in elements(&conversations["sources"]) {
        let source = packed(&report["source"].to_string());
        let (status, error) = (&report["status"], &report["error"]);
        let error = if error.is_null() {
            "null".to_owned()
        } else {
            packed(&format!("{{\"code\":{},\"message\":{}}}", error["code"], error["message"]))
        };
        let told = format!("{{\"source\":{source},\"status\":{status},\"error\":{error}}}");
        assert!(readme.contains(&told), "{told} is not in the README");
    }
}

#[tokio::test]
async fn quota_that_is_spent_is_told_and_not_overdrawn() {
    let plan =
        Plan::new(300, 30).only(&[SPELO, LEADSAIL]).policy(|policy| (policy.quota, policy.burst) = (2, 2));
    let world = plan.settings(|settings| settings.source_timeout = Duration::from_secs(3)).start().await;
    let (mut pages, mut after) = (Vec::new(), None::<String>);
    for _ in 0..5 {
        let answer = List::leads().try_page(&world, json!({ "first": 100, "after": after })).await;
        if answer.codes() == ["SOURCES_UNAVAILABLE"] {
            break;
        }
        pages.push(Page::of(answer.data()));
        after = pages.last().and_then(Page::end).map(str::to_owned);
    }
    assert_eq!(records(&pages), world.leads()[..400]);
    let error = &pages.last().unwrap().report(SPELO)["error"];
    let answer = world.ask("{ sources { quota { limit remaining } } }").await;
    assert_eq!(answer.data()["sources"][0]["quota"], json!({ "limit": 2, "remaining": 0 }), "{error}");
    assert_eq!((world.calls().spelo, world.calls().leadsail), (2, 2));
}

#[tokio::test]
async fn health_of_sources_tells_what_the_gateway_has_seen() {
    let world = Plan::new(60, 30).policy(impatient).start().await;
    world.fault(SPELO, [Rule::always(status(401, None))]);
    world.fault(LEADSAIL, [Rule::always(Fault::Reset)]);
    List::leads().page(&world, json!({ "first": 10 })).await;
    let answer = world.ask("{ sources { name health { state lastError { code } lastSuccessAt } } }").await;
    let sources = elements(&answer.data()["sources"]);
    let told: Vec<_> = sources
        .iter()
        .map(|source| &source["health"])
        .map(|health| (health["state"].as_str().unwrap(), health["lastError"]["code"].as_str()))
        .collect();
    let wanted = [("UP", None), ("DEGRADED", Some("UNREACHABLE")), ("UNAUTHORIZED", Some("UNAUTHORIZED"))];
    assert_eq!(told, wanted);
    assert!(
        sources[0]["health"]["lastSuccessAt"].is_string() && sources[2]["health"]["lastSuccessAt"].is_null()
    );
}

#[tokio::test]
async fn vendor_that_keeps_failing_is_left_alone_for_a_while() {
    let world = Plan::new(60, 30).only(&[SPELO, LEADSAIL]).policy(impatient).start().await;
    world.fault(SPELO, [Rule::always(Fault::Reset)]);
    for size in 1..10 {
        List::leads().page(&world, json!({ "first": size })).await;
    }
    let page = List::leads().page(&world, json!({ "first": 10 })).await;
    assert_eq!(page.report(SPELO)["error"]["code"], "BREAKER_OPEN");
    assert!(page.report(SPELO)["error"]["retryAfterMs"].as_i64().unwrap() > 0);
    assert_eq!(world.calls().spelo, 5);
}

#[tokio::test]
async fn vendor_that_limits_says_when_to_ask_again() {
    let world = Plan::new(60, 30).policy(impatient).start().await;
    world.fault(SPELO, [Rule::always(status(429, Some("120")))]);
    let page = List::leads().page(&world, json!({ "first": 10 })).await;
    let error = &page.report(SPELO)["error"];
    assert_eq!((&error["code"], &error["retryable"]), (&json!("RATE_LIMITED"), &json!(true)));
    assert!((100_000..=120_000).contains(&error["retryAfterMs"].as_i64().unwrap()), "{error}");
    let calls = world.calls().spelo;
    List::leads().page(&world, json!({ "first": 11 })).await;
    assert_eq!(world.calls().spelo, calls, "it is left alone until then");
}

#[tokio::test]
async fn vendor_that_heals_is_caught_up_with_on_the_next_page() {
    let world = Plan::new(60, 30).policy(impatient).start().await;
    world.fault(LEADSAIL, [Rule::always(Fault::Reset).times(1)]);
    let pages = List::leads().walk(&world, 25).await;
    assert!(pages[0].incomplete() && !pages[1].incomplete());
    assert!(pages[1].report(LEADSAIL)["catchingUp"] == true);
    assert!(pages[1].report(SPELO)["catchingUp"] == false);
    check_whole(&pages, &world);
}

#[tokio::test]
async fn walk_among_random_failures_loses_nothing() {
    for seed in 1..4 {
        let world = Plan::new(150, 40).seed(seed).policy(impatient).start().await;
        for (vendor, switch) in [(SPELO, "page_cap"), (LEADSAIL, "page_cap"), (CHATZURI, "size_cap")] {
            world.switch(vendor, switch, "25");
            world.fault(vendor, [Rule::always(Fault::Reset).percent(20)]);
        }
        let (mut pages, mut after) = (Vec::new(), None::<String>);
        for attempt in 0.. {
            assert!(attempt < 200, "seed {seed}: the walk does not end");
            let answer = List::leads().try_page(&world, json!({ "first": 40, "after": after })).await;
            if answer.codes() == ["SOURCES_UNAVAILABLE"] {
                continue;
            }
            let page = Page::of(answer.data());
            after = page.end().map(str::to_owned).or(after);
            let over = !page.has_next();
            pages.push(page);
            if over {
                break;
            }
        }
        assert!(pages.iter().any(Page::incomplete), "seed {seed}: nothing failed");
        check_whole(&pages, &world);
    }
}

#[tokio::test]
async fn list_is_null_where_no_source_could_answer() {
    let world = Plan::new(60, 30).policy(impatient).start().await;
    for vendor in VENDORS {
        world.fault(vendor, [Rule::always(Fault::Reset)]);
    }
    world.fault(SPELO, [Rule::always(status(429, Some("90")))]);
    let answer = List::leads().try_page(&world, json!({ "first": 10 })).await;
    assert_eq!((answer.codes(), &answer.0["data"]), (vec!["SOURCES_UNAVAILABLE"], &json!({ "leads": null })));
    let told = &answer.0["errors"][0]["extensions"];
    assert_eq!(elements(&told["sources"]).len(), 3);
    assert!(told["retryable"] == true && told["retryAfterMs"].as_i64().unwrap() > 60_000, "{told}");
}

#[tokio::test]
async fn same_cursor_goes_on_after_all_sources_failed() {
    let mut world = Plan::new(60, 30).policy(impatient).start().await;
    let one = List::leads().page(&world, json!({ "first": 30 })).await;
    world.gateway().await;
    VENDORS.iter().for_each(|vendor| world.fault(vendor, [Rule::always(Fault::Reset)]));
    let answer = List::leads().try_page(&world, json!({ "first": 30, "after": one.end() })).await;
    assert_eq!(answer.codes(), ["SOURCES_UNAVAILABLE"]);
    VENDORS.iter().for_each(|vendor| world.fault(vendor, []));
    let two = List::leads().page(&world, json!({ "first": 30, "after": one.end() })).await;
    assert_eq!(two.records(), world.leads()[30..60]);
}

#[tokio::test]
async fn going_back_over_a_page_that_lacked_a_source_shows_it_again() {
    let world = Plan::new(60, 30).policy(impatient).start().await;
    world.fault(SPELO, [Rule::always(status(500, None))]);
    let page = List::leads().page(&world, json!({ "first": 40 })).await;
    let back = List::leads().page(&world, json!({ "last": 10, "before": page.cursors()[20] })).await;
    assert_eq!(back.ids(), page.ids()[10..20]);
    assert!(back.incomplete() && back.report(SPELO)["status"] == "FAILED");
}

#[tokio::test]
async fn client_chooses_what_failing_sources_do() {
    let world = Plan::new(60, 30).policy(impatient).start().await;
    world.fault(SPELO, [Rule::always(status(500, None))]);
    let ask = async |choice| List::leads().on_failure(choice).try_page(&world, json!({ "first": 10 })).await;
    let partial = ask("PARTIAL").await;
    assert_eq!(partial.codes(), [""; 0]);
    let with_errors = ask("PARTIAL_WITH_ERRORS").await;
    assert_eq!(with_errors.codes(), ["SOURCE_VENDOR_ERROR"]);
    let edges = |answer: &Answer| Page::of(&answer.0["data"]).records();
    assert_eq!((edges(&partial).len(), edges(&with_errors)), (10, edges(&partial)));
    let fail = ask("FAIL").await;
    assert_eq!((fail.codes(), &fail.0["data"]), (vec!["SOURCES_UNAVAILABLE"], &json!({ "leads": null })));
}

#[tokio::test]
async fn records_that_cannot_be_read_are_counted() {
    let world = World::of(60, 30).await;
    for vendor in VENDORS {
        world.switch(vendor, "bad_rows", "3");
    }
    let page = List::leads().page(&world, json!({ "first": 100 })).await;
    assert!(page.incomplete());
    for vendor in VENDORS {
        let report = page.report(vendor);
        assert!(report["rejectedRecords"].as_i64().unwrap() >= 1, "{report}");
    }
    // Spelo and LeadSail sent theirs beside all that can be read.
    let pages = List::leads().filter(json!({ "vendors": ["SPELO", "LEADSAIL"] })).walk(&world, 50).await;
    let whole: Vec<_> =
        world.leads().into_iter().filter(|(source, _)| !source.starts_with(CHATZURI)).collect();
    assert_eq!(records(&pages), whole);
}

#[tokio::test]
async fn filter_that_runs_here_goes_as_far_as_its_budget_and_then_on() {
    for vendors in [&VENDORS[..], &[SPELO], &[LEADSAIL], &[CHATZURI]] {
        let plan = Plan::new(450, 300).only(vendors).settings(|settings| settings.scan_pages = 2);
        let mut world = plan.start().await;
        let all = List::leads().select("email").walk(&world, 100).await;
        let of_the_oldest = all.iter().rev().flat_map(Page::nodes).find_map(|node| node["email"].as_str());
        let text = of_the_oldest.unwrap().trim().to_lowercase();
        let holds = |node: &&&serde_json::Value| {
            node["email"].as_str().is_some_and(|email| email.to_lowercase().contains(&text))
        };
        let nodes: Vec<_> = all.iter().flat_map(Page::nodes).collect();
        let wanted: Vec<_> = nodes.iter().filter(holds).map(|node| node["id"].as_str().unwrap()).collect();
        world.gateway().await;

        let list = List::leads().filter(json!({ "text": text }));
        let first = list.page(&world, json!({ "first": 10 })).await;
        let report = first.report(vendors[0]);
        assert_eq!(
            (&report["status"], &report["error"]["code"]),
            (&json!("PARTIAL"), &json!("BUDGET_EXHAUSTED"))
        );
        assert!(first.incomplete() && first.has_next() && first.end().is_some());
        let pages = list.walk(&world, 10).await;
        let found: Vec<_> = pages.iter().flat_map(Page::ids).collect();
        assert_eq!(found, wanted, "{vendors:?}");
    }
}

#[tokio::test]
async fn older_lists_stand_in_for_a_vendor_that_fails_and_are_said_to_be() {
    let plan = Plan::new(60, 30).policy(impatient).forgetful();
    let plan = plan.settings(|settings| settings.list_stale_if_error = Duration::from_secs(600));
    let world = plan.start().await;
    let fresh = List::leads().page(&world, json!({ "first": 30 })).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    world.fault(SPELO, [Rule::always(Fault::Reset)]);
    for choice in ["PARTIAL", "FAIL"] {
        let page = List::leads().on_failure(choice).page(&world, json!({ "first": 30 })).await;
        assert_eq!(page.records(), fresh.records());
        assert_eq!((&page.report(SPELO)["status"], page.incomplete()), (&json!("STALE"), false));
        assert_eq!(page.report(SPELO)["fetchedAt"], fresh.report(SPELO)["fetchedAt"]);
        assert_eq!(page.report(LEADSAIL)["status"], "OK");
    }
}

#[tokio::test]
async fn conversations_found_in_an_older_list_are_said_to_be() {
    let short = Duration::from_millis(1);
    let plan = Plan::new(40, 10).only(&[SPELO]).policy(hasty).settings(|settings| {
        (settings.list_ttl, settings.past_list_ttl, settings.conversation_ttl) = (short, short, short);
        settings.ended_conversation_ttl = short;
        settings.stale_while_revalidate = Duration::ZERO;
    });
    let world = plan.start().await;
    let query = || Query::new("{ leads(first: 30) { nodes { conversation { preview } } incomplete } }");
    let fresh = world.ask(query()).await;
    assert_eq!(fresh.0.get("extensions"), None);
    world.fault(SPELO, [Rule::always(status(500, None))]);
    let older = world.ask(query()).await;
    let found = elements(&older.data()["leads"]["nodes"]);
    assert!(found.iter().filter(|lead| lead["conversation"].is_object()).count() > 3, "{:?}", older.0);
    let told = elements(&older.0["extensions"]["stale"]);
    assert!(told.iter().any(|told| told["source"] == "spelo"), "{:?}", older.0);
}

#[tokio::test]
async fn single_record_that_is_older_than_usual_is_told_beside_the_data() {
    let short = Duration::from_millis(1);
    let brief = Plan::new(20, 10).only(&[SPELO]).policy(hasty).settings(|settings| {
        (settings.list_ttl, settings.past_list_ttl, settings.lead_ttl) = (short, short, short);
        settings.stale_while_revalidate = Duration::ZERO;
    });
    let world = brief.start().await;
    let page = List::leads().page(&world, json!({ "first": 1 })).await;
    let id = page.nodes()[0]["id"].as_str().unwrap().to_owned();
    let lead = || Query::new("query($id: ID!) { lead(id: $id) { name status } }").with("id", &*id);
    let fresh = world.ask(lead()).await;
    assert!(fresh.data()["lead"]["status"].is_string());
    assert_eq!(fresh.0.get("extensions"), None, "nothing is said of what is fresh");
    world.fault(SPELO, [Rule::always(status(500, None))]);
    let older = world.ask(lead()).await;
    assert_eq!(older.data(), fresh.data());
    let [told] = elements(&older.0["extensions"]["stale"]) else { panic!("{:?}", older.0) };
    assert_eq!((&told["source"], &told["code"]), (&json!("spelo"), &json!("SOURCE_VENDOR_ERROR")));
    let fetched_at: jiff::Timestamp = told["fetchedAt"].as_str().unwrap().parse().unwrap();
    assert!(fetched_at <= jiff::Timestamp::now());
    // A list says it in its report, and nowhere else.
    let list = List::leads().page(&world, json!({ "first": 1 })).await;
    assert_eq!(list.report(SPELO)["status"], "STALE");
    world.fault(SPELO, []);
    assert_eq!(world.ask(lead()).await, fresh, "and not when it is read anew");
}
