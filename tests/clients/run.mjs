// Starts `leadgraph demo` and runs every client in a folder beside this file against it: node tests/clients/run.mjs [name ...]
//
// A client is a folder with a `client.mjs`: a program that is told the gateway's address by LEADGRAPH_URL (and the
// control desks of simulated vendors by LEADGRAPH_SPELO and LEADGRAPH_LEADSAIL) and ends with 0 if all is well, with 77 if it cannot run here, and with anything else if something is wrong. What it prints is shown then.

import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const binary = process.env.LEADGRAPH_BIN ?? join(root, process.env.CARGO_TARGET_DIR ?? "target", "debug", "leadgraph");
/** How long one client may take. */
const PATIENCE = 180_000;
const SKIPPED = 77;

const all = readdirSync(here).filter((name) => existsSync(join(here, name, "client.mjs"))).sort();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all;

const demo = spawn(binary, ["demo", "--listen", "127.0.0.1:0", "--seed", "7"], { stdio: ["ignore", "pipe", "inherit"] });
process.on("exit", () => demo.kill());

/** The gateway, and the control desks of the simulated vendors. */
const [url, desks] = await new Promise((found, failed) => {
  demo.once("error", failed);
  demo.once("exit", (code) => failed(new Error(`${binary} demo ended with ${code}`)));
  let gateway;
  const desks = {};
  createInterface({ input: demo.stdout }).on("line", (line) => {
    gateway ??= line.match(/http:\/\/\S+\/graphql/)?.[0];
    const [, vendor, desk] = line.match(/^ *(\w+) +(http:\/\/\S+\/_sim)$/) ?? [];
    if (vendor) desks[vendor] ??= desk;
    if (desks.spelo && desks.leadsail) found([gateway, desks]);
  });
});

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const name of wanted) {
  const start = Date.now();
  const { code, said } = await run(name);
  const outcome = code === 0 ? "passed" : code === SKIPPED ? "skipped" : "failed";
  counts[outcome] += 1;
  console.log(`${name}: ${outcome} (${((Date.now() - start) / 1000).toFixed(1)} s) ${said.trim().split("\n").at(-1)}`);
  if (outcome === "failed") console.log(said.replace(/^/gm, "    "));
}
demo.kill();
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

function run(name) {
  return new Promise((done) => {
    const client = spawn(process.execPath, [join(here, name, "client.mjs")], {
      cwd: join(here, name),
      env: { ...process.env, LEADGRAPH_URL: url, LEADGRAPH_SPELO: desks.spelo, LEADGRAPH_LEADSAIL: desks.leadsail },
      timeout: PATIENCE,
    });
    let said = "";
    for (const stream of [client.stdout, client.stderr]) stream.on("data", (text) => (said += text));
    client.on("error", (error) => done({ code: 1, said: said + error }));
    client.on("close", (code, signal) => done({ code: code ?? 1, said: signal ? `${said}\nended by ${signal}` : said }));
  });
}
