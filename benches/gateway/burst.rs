//! W5: many identical queries at once, of which nothing is known yet, beside a single one.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::Plan;
use crate::figures::Bound::AtMost;
use crate::figures::{Asked, Figures, Outcome, Row, median};
use crate::load::{Asker as _, Line, look_at};
use crate::queries::Same;
use crate::stand::{Cache, Stand};

const UPSTREAM_MS: u64 = 5;
const CLIENTS: usize = 500;

pub(crate) async fn burst(plan: &Plan, stand: &Stand) -> Outcome {
    stand.delay(UPSTREAM_MS);
    let (gateway, asker) = (stand.gateway(3, Cache::Brief), Same::list());
    let mut body = Vec::new();
    asker.body(0, &mut body);
    let mut lines = Vec::new();
    for _ in 0..CLIENTS {
        lines.push(Line::open(gateway.address).await);
    }
    look_at(&asker, lines[0].ask(&body).await);
    let mut rows = [Row::new("leadgraph, 500 at once"), Row::new("leadgraph, one")];
    for _ in plan.rounds() {
        for (row, clients) in rows.iter_mut().zip([CLIENTS, 1]) {
            // What was read is no longer fresh then; the connections to vendors are still open.
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            stand.forget_calls();
            gateway.forget_peak();
            let (cpu, start) = (gateway.cpu(), Instant::now());
            let asking = lines[..clients].iter_mut().map(async |line| {
                let answer = line.ask(&body).await;
                (start.elapsed(), answer)
            });
            let answers = join_all(asking).await;
            let (wall, used) = (start.elapsed(), gateway.cpu() - cpu);
            answers.iter().for_each(|(_, answer)| look_at(&asker, answer));
            let waits = answers.iter().map(|(wait, _)| *wait).collect();
            let figures = Figures::of(waits, wall, used, gateway.peak());
            row.rounds.push(figures.calling(stand.calls() as f64 / clients as f64));
        }
    }
    stand.delay(0);
    let [many, one] = &rows;
    let calls =
        |row: &Row, clients: usize| median(row.rounds.iter().map(|round| round.calls)) * clients as f64;
    let asked = vec![
        Asked::over("p99 over a single cold query", (many, one), |many, one| many.p99 / one.p99, AtMost(3.0)),
        Asked::new("upstream calls of all", calls(many, CLIENTS), AtMost(calls(one, 1))),
    ];
    Outcome { title: "W5  500 identical queries at once, cold, 5 ms upstream", rows: rows.into(), asked }
}
