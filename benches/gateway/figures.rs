//! Figures of rounds, their medians, and the one table.

use std::time::Duration;

/// What one round of one server gave.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Requests that were sent, those that count for nothing else included.
    pub(crate) asked: usize,
    /// Requests a second.
    pub(crate) rate: f64,
    /// Milliseconds.
    pub(crate) p50: f64,
    /// Milliseconds.
    pub(crate) p99: f64,
    /// Seconds of the server's CPU for 1,000 requests.
    pub(crate) cpu: f64,
    /// MiB, at most.
    pub(crate) peak: f64,
    /// Upstream calls for a request.
    pub(crate) calls: f64,
}

impl Figures {
    /// Of requests that waited so long each, in so much time, and for so many seconds of CPU.
    pub(crate) fn of(mut waits: Vec<Duration>, time: Duration, cpu: f64, peak: f64) -> Self {
        waits.sort_unstable();
        let requests = waits.len() as f64;
        let at = |part: f64| waits[((requests - 1.0) * part) as usize].as_secs_f64() * 1_000.0;
        Self {
            asked: waits.len(),
            rate: requests / time.as_secs_f64(),
            p50: at(0.5),
            p99: at(0.99),
            cpu: cpu * 1_000.0 / requests,
            peak,
            calls: 0.0,
        }
    }

    /// The same, with its upstream calls for each request.
    pub(crate) fn calling(self, calls: f64) -> Self {
        Self { calls, ..self }
    }
}

/// One server's rounds.
pub(crate) struct Row {
    pub(crate) server: &'static str,
    pub(crate) rounds: Vec<Figures>,
}

impl Row {
    pub(crate) fn new(server: &'static str) -> Self {
        Self { server, rounds: Vec::new() }
    }
}

/// What a figure must be.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// A figure that was asked for.
pub(crate) struct Asked {
    what: String,
    value: f64,
    bound: Bound,
}

impl Asked {
    pub(crate) fn new(what: impl Into<String>, value: f64, bound: Bound) -> Self {
        Self { what: what.into(), value, bound }
    }

    /// The median, over the rounds, of what is made of two servers' figures in one round.
    pub(crate) fn over(
        what: &str,
        (ours, theirs): (&Row, &Row),
        of: impl Fn(&Figures, &Figures) -> f64,
        bound: Bound,
    ) -> Self {
        let pairs = ours.rounds.iter().zip(&theirs.rounds);
        Self::new(what, median(pairs.map(|(ours, theirs)| of(ours, theirs))), bound)
    }

    fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(most) => self.value <= most,
            Bound::AtLeast(least) => self.value >= least,
        }
    }
}

/// What came of one workload.
pub(crate) struct Outcome {
    pub(crate) title: &'static str,
    pub(crate) rows: Vec<Row>,
    pub(crate) asked: Vec<Asked>,
}

/// The middle one.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    if values.is_empty() { f64::NAN } else { values[values.len() / 2] }
}

/// Prints the table: medians of the rounds.
pub(crate) fn print(outcomes: &[Outcome]) {
    println!(
        "\n{:<34}{:>10}{:>10}{:>10}{:>13}{:>10}{:>11}",
        "", "req/s", "p50 ms", "p99 ms", "CPU s/1000", "peak MiB", "calls/req"
    );
    for outcome in outcomes {
        println!("{}", outcome.title);
        for row in &outcome.rows {
            let of = |figure: fn(&Figures) -> f64| median(row.rounds.iter().map(figure));
            println!(
                "  {:<32}{:>10.0}{:>10.3}{:>10.3}{:>13.4}{:>10.1}{:>11.2}",
                row.server,
                of(|figures| figures.rate),
                of(|figures| figures.p50),
                of(|figures| figures.p99),
                of(|figures| figures.cpu),
                of(|figures| figures.peak),
                of(|figures| figures.calls),
            );
        }
        for asked in &outcome.asked {
            let (sign, bound) = match asked.bound {
                Bound::AtMost(most) => ("<=", most),
                Bound::AtLeast(least) => (">=", least),
            };
            let said = if asked.is_met() { "ok" } else { "MISSED" };
            println!("    {:<60}{:>9.2} {sign} {bound:<6} {said}", asked.what, asked.value);
        }
    }
}
