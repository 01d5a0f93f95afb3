//! Two accounts with the same ids, each for a caller of its own: nothing of one ever reaches the other's.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use leadgraph::events::Log;
use leadgraph::gather::Gather;
use leadgraph::gather::settings::Settings;
use leadgraph::graphql::{self, Request, Schema, execute};
use leadgraph::model::caller::{Caller, Visible};
use leadgraph::model::caps::{LeadCaps, ListCaps, Paging, TimeFilter};
use leadgraph::model::cx::{Cx, Meter};
use leadgraph::model::failure::{SourceError, SourceErrorKind};
use leadgraph::model::id::{Key, NativeId, SourceId, Vendor};
use leadgraph::model::lead::Lead;
use leadgraph::model::page::{Page, PageToken};
use leadgraph::model::source::{Health, Quota, SourceState};
use leadgraph::source::{DynList, DynRead, LeadQuery, List, Read, Source};
use serde_json::Value;

/// Which account a text belongs to.
const CANARIES: [&str; 2] = ["finch", "wren"];

/// An account whose ids are those of the other, and whose texts hold its canary.
struct Account {
    id: SourceId,
    canary: &'static str,
}

impl Account {
    fn lead(&self, native: &NativeId) -> Lead {
        let key = Key { source: self.id.clone(), native: native.clone(), day: None };
        let number: i64 = native.as_str().parse().unwrap_or_default();
        Lead {
            name: Some(self.canary.to_owned()),
            created_at: Timestamp::from_second(1_790_000_000 + number).ok(),
            ..Lead::bare(key, Vendor::Spelo)
        }
    }

    /// Takes a moment, so that equal reads meet; now and then it fails.
    async fn pause(&self) -> Result<(), SourceError> {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..6))).await;
        if fastrand::u8(0..20) == 0 {
            return Err(SourceError::new(&self.id, "leads", SourceErrorKind::Timeout));
        }
        Ok(())
    }
}

impl List<Lead> for Account {
    fn caps(&self) -> LeadCaps {
        let list = ListCaps {
            paging: Paging::Cursor,
            page_size: 10.try_into().unwrap(),
            since: TimeFilter::None,
            until: TimeFilter::None,
            vendor_filters: &[],
        };
        LeadCaps { list, status: &[], has_status: false, has_conversation: false, email: false }
    }

    async fn page(
        &self,
        cx: &Cx,
        _: &LeadQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Lead>, SourceError> {
        cx.meter.count();
        self.pause().await?;
        let start = match from {
            Some(PageToken::Cursor(text)) => text.parse().unwrap_or_default(),
            _ => 40_i64,
        };
        let natives = (start - 9..=start).rev().map(|number| NativeId::new(&number.to_string()).unwrap());
        let rows = natives.map(|native| Arc::new(self.lead(&native))).collect();
        let next = (start > 10).then(|| PageToken::Cursor((start - 10).to_string().into()));
        Ok(Page { rows, next, rejected: 0 })
    }
}

impl Read<Lead> for Account {
    async fn get(&self, cx: &Cx, id: &NativeId) -> Result<Option<Lead>, SourceError> {
        cx.meter.count();
        self.pause().await?;
        Ok(Some(self.lead(id)))
    }
}

impl Source for Account {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        Vendor::Spelo
    }
    fn health(&self) -> Health {
        let since = Timestamp::UNIX_EPOCH;
        Health { state: SourceState::Up, since, last_success_at: None, last_error: None, retry_at: None }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 60, window: Duration::from_secs(60), remaining: 60, reset_at: None }
    }
    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        Some(self)
    }
    fn lead_by_id(&self) -> Option<&dyn DynRead<Lead>> {
        Some(self)
    }
}

async fn ask(schema: &Schema, canary: &str, query: String) -> Value {
    let own = [SourceId::new(canary).unwrap()].into();
    let cx = Cx {
        deadline: tokio::time::Instant::now() + Duration::from_secs(5),
        now: Timestamp::now(),
        request_id: Arc::from("req-1"),
        caller: Caller { sources: Visible::Only(own), ..Caller::unrestricted(canary) },
        meter: Meter::default(),
        background: false,
    };
    serde_json::to_value(execute(schema, cx, Request { query, ..Request::default() }).await).unwrap()
}

/// Asks again and again; a third of the requests is given up on the way. Answers how many came to their end.
async fn client(schema: Schema, canary: &'static str, rounds: usize) -> usize {
    let (mut answered, mut cursor) = (0, String::new());
    for round in 0..rounds {
        let after = if cursor.is_empty() { String::new() } else { format!(", after: \"{cursor}\"") };
        let list = format!(
            "{{ leads(first: 7{after}) {{ nodes {{ id name }} edges {{ cursor }} pageInfo {{ endCursor hasNextPage }} \
             sources {{ source {{ name }} error {{ message }} }} }} }}"
        );
        let query = if round % 3 == 2 {
            let listed = ask(&schema, canary, "{ leads(first: 1) { nodes { id } } }".to_owned()).await;
            let id = listed["data"]["leads"]["nodes"][0]["id"].as_str().unwrap_or_default().to_owned();
            format!("{{ lead(id: \"{id}\") {{ name source {{ name }} }} sources {{ name }} }}")
        } else {
            list
        };
        let asked = ask(&schema, canary, query);
        let answer = if fastrand::u8(0..10) < 3 {
            let patience = Duration::from_millis(fastrand::u64(0..8));
            tokio::time::timeout(patience, asked).await.ok()
        } else {
            Some(asked.await)
        };
        let Some(answer) = answer else { continue };
        answered += 1;
        let text = answer.to_string();
        for foreign in CANARIES.iter().filter(|other| **other != canary) {
            assert!(!text.contains(foreign), "{canary} got {text}");
        }
        let info = &answer["data"]["leads"]["pageInfo"];
        let next = info["endCursor"].as_str().filter(|_| info["hasNextPage"] == true);
        cursor = next.unwrap_or_default().to_owned();
        if !cursor.is_empty() && round % 5 == 0 {
            let other = CANARIES.iter().find(|other| **other != canary).unwrap();
            let stolen = format!("{{ leads(after: \"{cursor}\") {{ nodes {{ name }} }} }}");
            let refused = ask(&schema, other, stolen).await;
            assert_eq!(refused["errors"][0]["extensions"]["code"], "CURSOR_INVALID", "{refused}");
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_account_reaches_the_caller_of_another() {
    let account =
        |canary| Arc::new(Account { id: SourceId::new(canary).unwrap(), canary }) as Arc<dyn Source>;
    let sources = CANARIES.into_iter().map(account).collect();
    // Short lives: what is read anew meets what is held.
    let short = Duration::from_millis(3);
    let lives = Settings { list_ttl: short, lead_ttl: short, ..Settings::default() };
    let schema = graphql::schema(Gather::new(lives, sources), Log::default(), graphql::Settings::default());
    let clients = (0..200).map(|number| tokio::spawn(client(schema.clone(), CANARIES[number % 2], 8)));
    let answered =
        futures_util::future::join_all(clients).await.into_iter().map(Result::unwrap).sum::<usize>();
    assert!(answered > 800, "{answered}");
}
