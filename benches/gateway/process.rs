//! Servers under measurement: each a process of its own, so that what it costs is its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

/// Clock ticks a second, in which Linux counts a process's time on every machine there is.
const TICKS: f64 = 100.0;

/// A server that runs until this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From its start until it said that it serves.
    pub(crate) ready: Duration,
    /// What it said until then.
    said: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// `leadgraph serve` with a configuration file and the variables that it names.
    pub(crate) fn gateway(file: &Path, variables: &[(String, String)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leadgraph"));
        command.args(["--log", "json", "serve", "--config"]).arg(file);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        Self::start(&mut command, |line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            if line["message"] != "serving" {
                return None;
            }
            line["address"].as_str()?.parse().ok()
        })
    }

    /// This program itself, in one of the roles of `limits.rs`.
    pub(crate) fn limit(role: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self::start(command.arg(format!("--role={role}")), |line| line.parse().ok())
    }

    /// Starts a command and waits for its address, which it says in a line on standard error.
    fn start(command: &mut Command, address: impl Fn(&str) -> Option<SocketAddr>) -> Self {
        let start = Instant::now();
        command.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let found = loop {
            let Some(line) = lines.next().and_then(Result::ok) else { break None };
            if let Some(address) = address(&line) {
                break Some(address);
            }
            said.push_str(&line);
            said.push('\n');
        };
        let ready = start.elapsed();
        let Some(address) = found else { panic!("{command:?} ended without serving:\n{said}") };
        // A full pipe would stop it.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, address, ready, said }
    }

    /// Seconds of CPU that it has used, by all its threads: to the nanosecond, or to the nearest 10 ms where the kernel does not tell
    /// more. A round of one client takes little more than that.
    pub(crate) fn cpu(&self) -> f64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let told = threads.filter_map(|thread| {
            // One that has ended meanwhile had little to do.
            let told = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            told.split_whitespace().next()?.parse::<f64>().ok()
        });
        let nanoseconds = told.sum::<f64>();
        if nanoseconds > 0.0 { nanoseconds / 1e9 } else { self.ticks() / TICKS }
    }

    fn ticks(&self) -> f64 {
        let stat = self.file("stat");
        // The name of the program comes before these, in brackets, and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
        ticks(11) + ticks(12)
    }

    /// Forgets the peak so far, so that the next one is told apart from it.
    pub(crate) fn forget_peak(&self) {
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5");
    }

    /// The most memory that it had since the peak was forgotten, in MiB.
    pub(crate) fn peak(&self) -> f64 {
        self.memory("VmHWM:")
    }

    /// The memory that it has, in MiB.
    pub(crate) fn resident(&self) -> f64 {
        self.memory("VmRSS:")
    }

    /// A figure of its metrics, summed over labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let lines = self.said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let told = lines.into_iter().find(|line| line["message"] == "serving metrics").unwrap();
        let url = format!("http://{}/metrics", told["address"].as_str().unwrap());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let text = client.get(url).send().await.unwrap().text().await.unwrap();
        let values =
            text.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' ')?.1.parse::<f64>().ok());
        values.sum()
    }

    fn memory(&self, label: &str) -> f64 {
        let status = self.file("status");
        let line = status.lines().find_map(|line| line.strip_prefix(label)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }
}
