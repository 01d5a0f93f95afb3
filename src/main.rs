//! The commands: `serve`, `demo`, `simulate`, `check`, `key`, `schema`. What they do is in the library; here is what they say.

use std::future::Future;
use std::io::{self, Write};
#[cfg(feature = "simulator")]
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use leadgraph::app::{self, App, Parts};
use leadgraph::callers::key;
use leadgraph::config::{self, Config, Problem};
use leadgraph::telemetry::{Telemetry, traces};
use leadgraph::{graphql, telemetry};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One GraphQL graph over several lead vendors.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[arg(
        long,
        global = true,
        default_value = "human",
        help = "How log lines look (on standard error; RUST_LOG chooses which)"
    )]
    log: Log,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum Log {
    Human,
    Json,
}

impl Log {
    /// Sets logs and traces up.
    fn start(self, traces: Option<&traces::Settings>) -> io::Result<Telemetry> {
        let format = match self {
            Self::Human => telemetry::Format::Human,
            Self::Json => telemetry::Format::Json,
        };
        telemetry::start(format, config::variable("RUST_LOG").as_deref(), traces)
    }
}

#[derive(Subcommand)]
enum Command {
    /// Serve the sources of a configuration file.
    Serve {
        /// The file (see examples/gateway.toml).
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Try it: three simulated vendors, a gateway over them, and GraphiQL. Needs no keys and no network.
    #[cfg(feature = "simulator")]
    Demo {
        /// Where the gateway listens.
        #[arg(long, value_name = "ADDRESS", default_value_t = config::LISTEN)]
        listen: SocketAddr,
        #[command(flatten)]
        world: World,
    },
    /// Serve the simulated vendors alone, to build and test against.
    #[cfg(feature = "simulator")]
    Simulate {
        /// Where the first vendor listens, on loopback; the others follow on the next ports. Port 0 takes any free ones.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9001", value_parser = loopback)]
        listen_base: SocketAddr,
        #[command(flatten)]
        world: World,
    },
    /// Tell everything that is wrong with a configuration file. Calls nobody.
    Check {
        /// The file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Make a key for a caller: prints the key, and what the configuration knows it by.
    Key,
    /// Print the schema.
    Schema,
}

/// What the simulated vendors tell. The same seed and moment make the same leads.
#[cfg(feature = "simulator")]
#[derive(clap::Args)]
struct World {
    /// Where all chance comes from [default: 7].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The newest moment of the world, like 2026-05-11T12:00:00Z; its clock goes on from there [default: now].
    #[arg(long, value_name = "RFC3339")]
    now: Option<jiff::Timestamp>,
}

/// An address that only this machine reaches.
#[cfg(feature = "simulator")]
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "not an address like 127.0.0.1:9001".to_owned())?;
    let refused = || "simulated vendors listen on loopback only, like 127.0.0.1:9001".to_owned();
    if address.ip().is_loopback() { Ok(address) } else { Err(refused()) }
}

/// Why a command ends early.
enum Stop {
    /// The configuration is wrong: exit code 2.
    Config(Vec<Problem>),
    /// Anything else: exit code 1.
    Other(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Other(error)
    }
}

fn main() -> ExitCode {
    // A huge page is held for whatever small thing is left on it: a quarter of our memory, and more with each storm. What an
    // older kernel does not know is not missed.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let cli = Cli::parse();
    match run(cli.command, cli.log) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of a pipe may leave before the end.
        Err(Stop::Other(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Stop::Other(error)) => {
            let _ = writeln!(io::stderr(), "leadgraph: {error}");
            ExitCode::FAILURE
        }
        Err(Stop::Config(problems)) => {
            for problem in &problems {
                let _ = writeln!(io::stderr(), "{problem}");
            }
            let many = if problems.len() == 1 { "problem" } else { "problems" };
            let _ = writeln!(io::stderr(), "{} {many}; nothing was started", problems.len());
            ExitCode::from(2)
        }
    }
}

fn run(command: Command, log: Log) -> Result<(), Stop> {
    // Where traces go is known only when the configuration has been read.
    let _logs = match command {
        Command::Serve { .. } => None,
        _ => Some(log.start(None)?),
    };
    match command {
        Command::Schema => Ok(io::stdout().write_all(graphql::sdl().as_bytes())?),
        Command::Key => {
            let key = key::make();
            let mut out = io::stdout();
            writeln!(out, "# The caller's key. It is shown only now; the configuration never holds it.")?;
            writeln!(out, "#   {key}")?;
            writeln!(out, "# For [[callers]] in the configuration:")?;
            Ok(writeln!(out, "key_sha256 = \"{}\"", key::Digest::of(&key))?)
        }
        Command::Check { config } => {
            let (config, _) =
                blocking(async { app::load(&config, &config::variable) })?.map_err(Stop::Config)?;
            let names: Vec<_> = config.sources.iter().map(|source| source.name.as_str()).collect();
            Ok(writeln!(io::stdout(), "OK: {}", names.join(", "))?)
        }
        Command::Serve { config } => serve(config, log),
        #[cfg(feature = "simulator")]
        Command::Demo { listen, world } => blocking(demo(listen, world))?,
        #[cfg(feature = "simulator")]
        Command::Simulate { listen_base, world } => blocking(simulate(listen_base, world))?,
    }
}

fn serve(file: PathBuf, log: Log) -> Result<(), Stop> {
    let runtime = runtime()?;
    let loaded = runtime.block_on(async { app::load(&file, &config::variable) });
    let (config, parts) = loaded.map_err(Stop::Config)?;
    // Between two stays in the runtime: what sends traces has one of its own.
    let telemetry = log.start(config.traces.as_ref())?;
    let served = runtime.block_on(serving(file, config, parts));
    // What is still under way ends here, and with it its spans.
    drop(runtime);
    telemetry.end();
    served
}

async fn serving(file: PathBuf, config: Config, parts: Parts) -> Result<(), Stop> {
    if config.gather.cursor_keys.is_empty() {
        tracing::warn!(
            "no [cursors] key is configured: cursors end with this process and belong to it alone"
        );
    }
    if config.callers.is_empty() {
        tracing::warn!("no [[callers]] are configured: everyone who reaches this address may do everything");
    }
    let stopped = stopped()?;
    let listener = app::listen(config.listen).await?;
    let address = listener.local_addr()?;
    let _metrics = match config.metrics_listen {
        Some(address) => Some(app::serve_metrics(address).await?),
        None => None,
    };
    // From here on a SIGHUP ends nothing, and one that comes before we serve is heard then.
    let hangup = signal(SignalKind::hangup())?;
    let app = App::configured(&config, parts).await;
    tracing::info!(%address, sources = config.sources.len(), "serving");
    let mut reloading = JoinSet::new();
    reloading.spawn(reload(app.clone(), file, config, hangup));
    app.serve(listener, stopped).await;
    Ok(())
}

#[cfg(feature = "simulator")]
async fn demo(address: SocketAddr, world: World) -> Result<(), Stop> {
    let stopped = stopped()?;
    let listener = app::listen(address).await.map_err(|error| {
        io::Error::new(error.kind(), format!("{error}\n    for example: leadgraph demo --listen 127.0.0.1:0"))
    })?;
    let gateway = listener.local_addr()?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let stand = app::demo::Stand::start_at(any, world.seed, world.now).await?;
    let app = stand.gateway().await?;
    let mut out = io::stdout();
    writeln!(out, "leadgraph demo: one graph over three simulated vendors. No keys, no network.\n")?;
    writeln!(out, "  GraphiQL   http://{gateway}/")?;
    writeln!(out, "  GraphQL    http://{gateway}/graphql")?;
    writeln!(out, "\nThe simulated vendors, each with a control desk:\n")?;
    for (name, address) in stand.addresses() {
        writeln!(out, "  {name:<10} http://{address}/_sim")?;
    }
    writeln!(
        out,
        "\nAsk for the newest leads of all vendors:\n\n  curl -s http://{gateway}/graphql -H 'content-type: application/json' \\"
    )?;
    writeln!(
        out,
        "    -d '{{\"query\":\"{{ leads(first: 5) {{ nodes {{ vendor name createdAt }} incomplete sources {{ source {{ name }} status }} }} }}\"}}'"
    )?;
    if let Some((name, address, event)) = stand.tellers().last() {
        let put = format!("curl -sX PUT http://{address}/_sim/faults -H 'content-type: application/json' -d");
        writeln!(
            out,
            "\nBreak {name}, ask for what was not read yet (what was read is served for a while), then heal it:\n"
        )?;
        writeln!(out, "  {put} '[{{\"fault\":{{\"kind\":\"hang\"}}}}]'\n")?;
        writeln!(out, "  curl -s http://{gateway}/graphql -H 'content-type: application/json' \\")?;
        writeln!(
            out,
            "    -d '{{\"query\":\"{{ conversations(first: 3) {{ nodes {{ vendor preview }} incomplete sources {{ source {{ name }} status }} }} }}\"}}'\n"
        )?;
        writeln!(out, "  {put} '[]'")?;
        writeln!(
            out,
            "\n  Other kinds: reset, truncate, html, wrong_json; or {{\"kind\":\"status\",\"status\":429,\"retry_after\":\"5\"}}"
        )?;
        let secret = app::demo::WEBHOOK_SECRET;
        writeln!(
            out,
            "\nGive {name} a new lead, and have it tell the gateway, which shows it at once then:\n"
        )?;
        writeln!(out, "  curl -sX POST http://{address}/_sim/leads\n")?;
        writeln!(
            out,
            "  curl -sX POST http://{address}/_sim/webhooks -H 'content-type: application/json' \\"
        )?;
        writeln!(
            out,
            "    -d '{{\"url\":\"http://{gateway}/webhooks/{name}\",\"secret\":\"{secret}\",\"event\":\"{event}\"}}'"
        )?;
    }
    writeln!(out, "\nLeads may be changed here (writes = true); GraphiQL has a tab for it.")?;
    writeln!(out, "\nStop with Ctrl-C.")?;
    app.serve(listener, stopped).await;
    Ok(())
}

#[cfg(feature = "simulator")]
async fn simulate(base: SocketAddr, world: World) -> Result<(), Stop> {
    let stopped = stopped()?;
    let stand = app::demo::Stand::start_at(base, world.seed, world.now).await?;
    let (snippet, variables) = stand.snippet();
    let mut out = io::stdout();
    writeln!(out, "# Simulated vendors, until Ctrl-C. Each has a control desk under /_sim:")?;
    for (name, address) in stand.addresses() {
        writeln!(out, "#   {name:<10} http://{address}/_sim")?;
    }
    writeln!(out, "# Keys, for the shell that starts the gateway:")?;
    for (name, key) in variables {
        writeln!(out, "#   export {name}={key}")?;
    }
    writeln!(out, "\n{snippet}")?;
    stopped.await;
    Ok(())
}

/// Reads the configuration anew at every SIGHUP, and goes on with it if it is right.
async fn reload(app: App, file: PathBuf, started: Config, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        let file = file.clone();
        // In a task of its own, which may fail without ending this one.
        let loaded = tokio::task::spawn_blocking(move || app::load(&file, &config::variable)).await;
        let taken = match loaded {
            // What was checked is the address in the file; the one that is listened at stays.
            Ok(Ok((next, _))) if next.exposes(&started) => {
                tracing::error!(
                    "[[callers]] cannot go while the address that is listened at is not loopback"
                );
                false
            }
            Ok(Ok((next, parts))) => {
                app.reload(&next, parts).await;
                for setting in next.differs_at_start(&started) {
                    tracing::warn!(setting, "this setting is taken at the next start only");
                }
                tracing::info!(sources = next.sources.len(), "configuration read anew");
                true
            }
            Ok(Err(problems)) => {
                for Problem { file, line, what, hint } in &problems {
                    tracing::error!(file, line, problem = what, hint, "configuration is wrong");
                }
                false
            }
            Err(_panicked) => false,
        };
        telemetry::metrics::config_reloaded(taken);
        if !taken {
            tracing::error!("configuration was not taken; the one before goes on");
        }
    }
}

fn blocking<T>(work: impl Future<Output = T>) -> Result<T, Stop> {
    Ok(runtime()?.block_on(work))
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    // A thread looks at its sockets after so many turns. Those who are refused wait for that, so it is less than the library's 61.
    tokio::runtime::Builder::new_multi_thread().event_interval(16).enable_all().build()
}

/// Ready at the first SIGTERM or SIGINT. Both are caught from the moment of the call.
fn stopped() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
