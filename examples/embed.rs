//! leadgraph inside another axum application: your own routes, and the graph under `/leads/`.
//!
//!     cargo run --example embed
//!
//! Then open <http://127.0.0.1:8081/leads/>. It runs over the simulated vendors; a real program gets its parts by
//! `leadgraph::app::load(file, &leadgraph::config::variable)`.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use leadgraph::app::{self, demo::Stand};

#[tokio::main]
async fn main() -> io::Result<()> {
    let stand = Stand::start(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    // Keep the App: background work (finding a vendor's sources) ends when it is dropped.
    let leads = stand.gateway().await?;
    let application = Router::new()
        .route("/", get(|| async { "your own pages; the graph is at /leads/\n" }))
        .nest_service("/leads", leads.router());
    let listener = app::listen(SocketAddr::from(([127, 0, 0, 1], 8081))).await?;
    axum::serve(listener, application).await
}
