//! W2, W3 and the cold half of W6: what must be read at the vendors first, beside *pass-through*.

use crate::Plan;
use crate::figures::Bound::AtMost;
use crate::figures::{Asked, Figures, Outcome, Row, median};
use crate::limits::{self, Upstream};
use crate::load::{Asker, Line, look_at, press};
use crate::process::Server;
use crate::queries::Same;
use crate::stand::{Cache, Stand};

/// After how many milliseconds a vendor answers.
const UPSTREAM_MS: u64 = 5;

/// W2: a merged list. Some calls of a source depend on each other, so *pass-through* is told them in two ways.
pub(crate) async fn merged(plan: &Plan, stand: &Stand) -> Outcome {
    stand.delay(UPSTREAM_MS);
    let (gateway, asker) = (stand.gateway(3, Cache::Off), Same::list());
    let calls = record(stand, &gateway, &asker).await;
    let count = calls.iter().map(Vec::len).sum::<usize>() as f64;
    let (at_once, in_turn) = (Server::limit("pass-through"), Server::limit("pass-through"));
    limits::tell(&at_once, "/calls", &side_by_side(&calls)).await;
    limits::tell(&in_turn, "/calls", &calls).await;
    let mut rows =
        [Row::new("leadgraph"), Row::new("pass-through"), Row::new("pass-through, a vendor's in turn")];
    for round in plan.rounds() {
        rows[0].rounds.push(alone(plan, stand, &gateway, &asker, round).await);
        rows[1].rounds.push(alone(plan, stand, &at_once, &asker.unseen(), round).await);
        rows[2].rounds.push(alone(plan, stand, &in_turn, &asker.unseen(), round).await);
    }
    stand.delay(0);
    let [ours, at_once, in_turn] = &rows;
    let added = |ours: &Figures, theirs: &Figures| ours.p50 - theirs.p50;
    let asked = vec![
        Asked::over("ms added at p50 over pass-through", (ours, at_once), added, AtMost(1.0)),
        Asked::over("ms added at p50 over the same in turn", (ours, in_turn), added, AtMost(1.0)),
        Asked::over("CPU per request over pass-through", (ours, at_once), |o, p| o.cpu / p.cpu, AtMost(3.5)),
        Asked::new("upstream calls", median(ours.rounds.iter().map(|round| round.calls)), AtMost(count)),
    ];
    Outcome {
        title: "W2  uncached list of three vendors, 5 ms upstream, one client",
        rows: rows.into(),
        asked,
    }
}

/// W3: leads with what belongs to them, of the vendors that have it.
pub(crate) async fn nested(plan: &Plan, stand: &Stand) -> Outcome {
    stand.delay(UPSTREAM_MS);
    let (gateway, asker) = (stand.gateway(3, Cache::Off), Same::nested());
    let calls = record(stand, &gateway, &asker).await;
    let lists = calls.iter().filter_map(|row| Some(vec![row.first()?.clone()])).collect::<Vec<_>>();
    // What can be asked only when the lists are there; all of it at once.
    let rest =
        calls.iter().flat_map(|row| row.iter().skip(1)).map(|call| vec![call.clone()]).collect::<Vec<_>>();
    let (trip, second) = (Server::limit("pass-through"), Server::limit("pass-through"));
    limits::tell(&trip, "/calls", &lists).await;
    limits::tell(&second, "/calls", &rest).await;
    let mut rows = [
        Row::new("leadgraph"),
        Row::new("pass-through, one round trip"),
        Row::new("pass-through, all that follows"),
    ];
    for round in plan.rounds() {
        rows[0].rounds.push(alone(plan, stand, &gateway, &asker, round).await);
        rows[1].rounds.push(alone(plan, stand, &trip, &asker.unseen(), round).await);
        rows[2].rounds.push(alone(plan, stand, &second, &asker.unseen(), round).await);
    }
    stand.delay(0);
    let [ours, trip, second] = &rows;
    let beyond = |ours: &Figures, trip: &Figures| ours.p50 - 2.0 * trip.p50;
    let p50 = |row: &Row| median(row.rounds.iter().map(|round| round.p50));
    let asked = vec![
        Asked::over("ms at p50 beyond two round trips", (ours, trip), beyond, AtMost(5.0)),
        // With all its calls on one machine, the second trip is no trip of 5 ms.
        Asked::new(
            "ms at p50 beyond the same calls passed through",
            p50(ours) - p50(trip) - p50(second),
            AtMost(5.0),
        ),
    ];
    Outcome {
        title: "W3  uncached, 50 leads with interactions and conversation, one client",
        rows: rows.into(),
        asked,
    }
}

/// W6, cold: what a hundred sources take to be read, beside three, and beside what the machine can do: the same calls, passed
/// through at once.
pub(crate) async fn many(plan: &Plan, stand: &Stand) -> Outcome {
    stand.delay(UPSTREAM_MS);
    let (hundred, three) = (stand.gateway(100, Cache::Off), stand.gateway(3, Cache::Off));
    let asker = Same::list();
    let calls = record(stand, &hundred, &asker).await;
    let limit = Server::limit("pass-through");
    limits::tell(&limit, "/calls", &side_by_side(&calls)).await;
    let mut rows = [
        Row::new("leadgraph, 100 sources"),
        Row::new("leadgraph, 3 sources"),
        Row::new("pass-through, calls of 100 sources"),
    ];
    for round in plan.rounds() {
        rows[0].rounds.push(alone(plan, stand, &hundred, &asker, round).await);
        rows[1].rounds.push(alone(plan, stand, &three, &asker, round).await);
        rows[2].rounds.push(alone(plan, stand, &limit, &asker.unseen(), round).await);
    }
    stand.delay(0);
    let pair = (&rows[0], &rows[1]);
    let asked = vec![Asked::over("wall over that of three", pair, |h, t| h.p50 / t.p50, AtMost(2.0))];
    Outcome { title: "W6  W1 with 100 sources, cold, 5 ms upstream, one client", rows: rows.into(), asked }
}

/// One client's figures, upstream calls among them.
async fn alone(
    plan: &Plan,
    stand: &Stand,
    server: &Server,
    asker: &(impl Asker + Clone + 'static),
    from: u64,
) -> Figures {
    stand.forget_calls();
    let figures = press(server, asker, 1, plan.time, from).await;
    // The short run before counts here, too: what is asked is the same.
    figures.calling(stand.calls() as f64 / figures.asked as f64)
}

/// The calls that an answer takes, a row for each vendor, once connections are open.
pub(crate) async fn record(stand: &Stand, gateway: &Server, asker: &impl Asker) -> Vec<Vec<Upstream>> {
    let (mut line, mut body) = (Line::open(gateway.address).await, Vec::new());
    asker.body(0, &mut body);
    look_at(asker, line.ask(&body).await);
    stand.forget_calls();
    look_at(asker, line.ask(&body).await);
    stand.asked()
}

fn side_by_side(calls: &[Vec<Upstream>]) -> Vec<Vec<Upstream>> {
    calls.iter().flatten().map(|call| vec![call.clone()]).collect()
}
