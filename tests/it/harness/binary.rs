//! The binary itself: simulated vendors, a configuration over them, and a gateway that serves it, each a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

pub(crate) fn leadgraph(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leadgraph"));
    command.args(arguments).env_clear();
    command
}

/// A program that runs until the test ends.
pub(crate) struct Running {
    pub(crate) child: Child,
    out: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = leadgraph(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// Everything it prints up to a line that holds `last`.
    pub(crate) fn until(&mut self, last: &str) -> String {
        let mut said = String::new();
        while !said.contains(last) && self.out.read_line(&mut said).unwrap() > 0 {}
        said
    }

    pub(crate) fn terminate(&self) {
        let done = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(done.success());
    }
}

/// The first address in a text that stands after `label`.
pub(crate) fn address<'a>(text: &'a str, label: &str) -> &'a str {
    let rest = text.split_once(label).unwrap_or_else(|| panic!("no {label} in {text}")).1;
    rest.split_once("http://").unwrap().1.split(['/', '\n']).next().unwrap()
}

pub(crate) fn post(address: &str, body: &str) -> String {
    send(address, "POST", "/graphql", body)
}

/// The answer to a request with a body of JSON, head and all.
pub(crate) fn send(address: &str, method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    raw(
        address,
        &format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        ),
    )
}

/// The answer to whatever is sent, head and all.
pub(crate) fn raw(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply).unwrap();
    String::from_utf8_lossy(&reply).into_owned()
}

/// A configuration over simulated vendors, and the variables it needs.
pub(crate) struct Simulated {
    file: PathBuf,
    pub(crate) text: String,
    _stand: Running,
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

impl Simulated {
    /// `name` keeps the files of tests apart.
    pub(crate) fn start(name: &str) -> Self {
        let mut stand = Running::start(&["simulate", "--listen-base", "127.0.0.1:0"]);
        let text = stand.until("api_key_env = \"SIMULATED_SPELO_KEY\"");
        let file = std::env::temp_dir().join(format!("leadgraph-{name}-{}.toml", std::process::id()));
        let simulated = Self { file, text, _stand: stand };
        simulated.write("");
        simulated
    }

    /// Writes the file anew: the vendors, `[server]`, and `more`, which goes on in `[server]`.
    pub(crate) fn write(&self, more: &str) {
        std::fs::write(&self.file, format!("{}\n[server]\nlisten = \"127.0.0.1:0\"\n{more}", self.text))
            .unwrap();
    }

    /// Writes the file anew, whatever it says.
    pub(crate) fn overwrite(&self, text: &str) {
        std::fs::write(&self.file, text).unwrap();
    }

    /// Where the file is.
    pub(crate) fn file(&self) -> &std::path::Path {
        &self.file
    }

    /// Each vendor's name and the address of its control desk.
    pub(crate) fn desks(&self) -> Vec<(&str, String)> {
        let lines = self.text.lines().filter_map(|line| line.strip_prefix("#   "));
        let desks = lines.filter_map(|line| line.split_once(' '));
        let desks = desks.filter(|(_, rest)| rest.contains("http://"));
        desks.map(|(name, rest)| (name, address(rest, "").to_owned())).collect()
    }

    /// The variables it needs, with their values.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        let exports = self.text.lines().filter_map(|line| line.strip_prefix("#   export "));
        exports.map(|line| line.split_once('=').unwrap()).collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = leadgraph(arguments);
        command.arg("--config").arg(&self.file);
        command.envs(self.variables());
        command
    }
}

/// A gateway that serves, and what it logs, line by line.
pub(crate) struct Gateway {
    pub(crate) child: Child,
    pub(crate) address: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gateway {
    /// Starts `leadgraph serve --log json` by a command that says so, and waits until it serves.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let mut gateway = Self { child, address: String::new(), log };
        gateway.address = gateway.waits_for("serving")["address"].as_str().unwrap().to_owned();
        gateway
    }

    /// Has it stop, and waits until it has.
    pub(crate) fn end(&mut self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }

    /// All that it has logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The first line with this message, once it is there.
    pub(crate) fn waits_for(&self, message: &str) -> Value {
        self.waits_for_more(message, 1)
    }

    /// The line with which this message has come so many times, once it is there.
    pub(crate) fn waits_for_more(&self, message: &str, times: usize) -> Value {
        let start = Instant::now();
        loop {
            let log = self.log();
            let lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut lines = lines.filter(|line| line["message"] == message);
            if let Some(line) = lines.nth(times - 1) {
                return line;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{message} is not in {log:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Has the configuration read anew, and waits for what is said of it, for the `times`th time.
    pub(crate) fn reload(&self, said: &str, times: usize) -> Value {
        let status = Command::new("kill").arg("-HUP").arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
        self.waits_for_more(said, times)
    }

    /// The answer to a GraphQL request, head and all.
    pub(crate) fn ask(&self, query: &str) -> String {
        post(&self.address, &serde_json::json!({ "query": query }).to_string())
    }

    /// Its metrics.
    pub(crate) fn metrics(&self) -> String {
        let address = self.waits_for("serving metrics")["address"].as_str().unwrap().to_owned();
        get(&address, "/metrics")
    }
}

/// The answer to `GET`, head and all.
pub(crate) fn get(address: &str, path: &str) -> String {
    raw(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"))
}
