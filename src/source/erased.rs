//! The erased twins of the verbs: the one place that boxes their futures, so that adapters write plain `async fn`
//! and `gather/` holds `dyn`.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};

use super::{Discovery, Histories, List, Listed, Read, Recordings, Source, Write};
use crate::model::conversation::RecordingLink;
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::NativeId;
use crate::model::interaction::Interaction;
use crate::model::page::{Page, PageToken};
use crate::model::write::{Answered, LeadEdit, Misfit, Prior, WriteFailure};

type Answer<'a, T> = BoxFuture<'a, Result<T, SourceError>>;

/// [`List`], erased.
pub trait DynList<T: Listed>: Send + Sync {
    /// See [`List::caps`].
    fn caps_dyn(&self) -> T::Caps;
    /// See [`List::page`].
    fn page_dyn<'a>(
        &'a self,
        cx: &'a Cx,
        query: &'a T::Query,
        from: Option<&'a PageToken>,
    ) -> Answer<'a, Page<T>>;
}

impl<T: Listed, S: List<T>> DynList<T> for S {
    fn caps_dyn(&self) -> T::Caps {
        self.caps()
    }
    fn page_dyn<'a>(
        &'a self,
        cx: &'a Cx,
        query: &'a T::Query,
        from: Option<&'a PageToken>,
    ) -> Answer<'a, Page<T>> {
        self.page(cx, query, from).boxed()
    }
}

/// [`Read`], erased.
pub trait DynRead<T: 'static>: Send + Sync {
    /// See [`Read::get`].
    fn get_dyn<'a>(&'a self, cx: &'a Cx, id: &'a NativeId) -> Answer<'a, Option<T>>;
}

impl<T: 'static, S: Read<T>> DynRead<T> for S {
    fn get_dyn<'a>(&'a self, cx: &'a Cx, id: &'a NativeId) -> Answer<'a, Option<T>> {
        self.get(cx, id).boxed()
    }
}

/// [`Histories`], erased.
pub trait DynHistories: Send + Sync {
    /// See [`Histories::of_lead`].
    fn of_lead_dyn<'a>(&'a self, cx: &'a Cx, lead: &'a NativeId) -> Answer<'a, Page<Interaction>>;
}

impl<S: Histories> DynHistories for S {
    fn of_lead_dyn<'a>(&'a self, cx: &'a Cx, lead: &'a NativeId) -> Answer<'a, Page<Interaction>> {
        self.of_lead(cx, lead).boxed()
    }
}

/// [`Recordings`], erased.
pub trait DynRecordings: Send + Sync {
    /// See [`Recordings::link`].
    fn link_dyn<'a>(&'a self, cx: &'a Cx, id: &'a NativeId) -> Answer<'a, Option<RecordingLink>>;
}

impl<S: Recordings> DynRecordings for S {
    fn link_dyn<'a>(&'a self, cx: &'a Cx, id: &'a NativeId) -> Answer<'a, Option<RecordingLink>> {
        self.link(cx, id).boxed()
    }
}

/// [`Write`], erased.
pub trait DynWrite<C>: Send + Sync {
    /// See [`Write::edit`].
    fn edit_dyn(&self, change: &C) -> Result<LeadEdit, Misfit>;
    /// See [`Write::prior`].
    fn prior_dyn<'a>(&'a self, cx: &'a Cx, id: &'a NativeId) -> Answer<'a, Option<Prior>>;
    /// See [`Write::write`].
    fn write_dyn<'a>(
        &'a self,
        cx: &'a Cx,
        prior: &'a Prior,
        edit: &'a LeadEdit,
    ) -> BoxFuture<'a, Result<Answered, WriteFailure>>;
}

impl<C: Send + Sync + 'static, S: Write<C>> DynWrite<C> for S {
    fn edit_dyn(&self, change: &C) -> Result<LeadEdit, Misfit> {
        self.edit(change)
    }
    fn prior_dyn<'a>(&'a self, cx: &'a Cx, id: &'a NativeId) -> Answer<'a, Option<Prior>> {
        self.prior(cx, id).boxed()
    }
    fn write_dyn<'a>(
        &'a self,
        cx: &'a Cx,
        prior: &'a Prior,
        edit: &'a LeadEdit,
    ) -> BoxFuture<'a, Result<Answered, WriteFailure>> {
        self.write(cx, prior, edit).boxed()
    }
}

/// [`Discovery`], erased.
pub trait DynDiscovery: Send + Sync {
    /// See [`Discovery::discover`].
    fn discover_dyn<'a>(&'a self, cx: &'a Cx) -> Answer<'a, Vec<Arc<dyn Source>>>;
}

impl<S: Discovery> DynDiscovery for S {
    fn discover_dyn<'a>(&'a self, cx: &'a Cx) -> Answer<'a, Vec<Arc<dyn Source>>> {
        self.discover(cx).boxed()
    }
}
