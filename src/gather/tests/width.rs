//! How many reads one request has under way at the same time. On a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::model::cx;
use crate::gather::Gather;
use crate::gather::settings::Settings;
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::{Key, NativeId, SourceId, Vendor};
use crate::model::lead::Lead;
use crate::model::source::{Health, Quota, SourceState};
use crate::source::{DynRead, Read, Source};

/// A vendor that reads leads by id, and counts how many it reads at the same time.
struct Wide {
    id: SourceId,
    side_by_side: usize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Wide {
    fn new(name: &str, side_by_side: usize) -> Arc<Self> {
        let id = SourceId::new(name).unwrap();
        Arc::new(Self { id, side_by_side, now: AtomicUsize::new(0), most: AtomicUsize::new(0) })
    }

    fn keys(&self) -> impl Iterator<Item = Key> {
        let key = |number| NativeId::new(&format!("l{number}")).unwrap();
        (0..30).map(move |number| Key { source: self.id.clone(), native: key(number), day: None })
    }

    fn most(&self) -> usize {
        self.most.swap(0, Ordering::SeqCst)
    }
}

impl Source for Wide {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        Vendor::LeadSail
    }
    fn health(&self) -> Health {
        let since = Timestamp::UNIX_EPOCH;
        Health { state: SourceState::Up, since, last_success_at: None, last_error: None, retry_at: None }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 60, window: Duration::from_secs(60), remaining: 60, reset_at: None }
    }
    fn side_by_side(&self) -> usize {
        self.side_by_side
    }
    fn lead_by_id(&self) -> Option<&dyn DynRead<Lead>> {
        Some(self)
    }
}

impl Read<Lead> for Wide {
    async fn get(&self, _: &Cx, id: &NativeId) -> Result<Option<Lead>, SourceError> {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        sleep(Duration::from_secs(1)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        let key = Key { source: self.id.clone(), native: id.clone(), day: None };
        Ok(Some(Lead::bare(key, Vendor::LeadSail)))
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_reads_are_under_way_as_each_source_takes_of_one_request() {
    let (narrow, wide) = (Wide::new("narrow", 3), Wide::new("wide", 20));
    let sources = [&narrow, &wide].map(|wide| Arc::clone(wide) as Arc<dyn Source>);
    let gather = Gather::new(Settings::default(), sources.into());
    let keys: Vec<_> = narrow.keys().chain(wide.keys()).collect();
    let found = gather.leads_by_key(&cx(), &keys).await;
    assert!(found.len() == 60 && found.values().all(Result::is_ok));
    assert_eq!([narrow.most(), wide.most()], [3, 20]);
}
