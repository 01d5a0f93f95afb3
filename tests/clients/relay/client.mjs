// Relay: its compiler takes the schema and a fragment with @connection and @refetchable, its runtime pages, merges, refetches a
// node and reads a partial answer.

import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPages, checkPartial, url, withSpeloDown } from "../kit.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

const generated = join(here, "__generated__");
mkdirSync(generated, { recursive: true });
writeFileSync(join(generated, "package.json"), '{ "type": "commonjs" }\n');
execFileSync(process.execPath, [require.resolve("relay-compiler/cli.js"), "relay.config.json"], { cwd: here, stdio: "pipe" });
const artifact = (name) => require(join(generated, `${name}.graphql.js`));

const runtime = require("relay-runtime");
const environment = new runtime.Environment({
  store: new runtime.Store(new runtime.RecordSource()),
  network: runtime.Network.create(async (params, variables) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
      body: JSON.stringify({ query: params.text, variables }),
    });
    return response.json();
  }),
});

const keep = (query, variables) =>
  environment.retain(runtime.createOperationDescriptor(runtime.getRequest(query), variables));
const ask = (query, variables) => runtime.fetchQuery(environment, query, variables).toPromise();
const read = (fragment, owner) => environment.lookup(runtime.getSingularSelector(fragment, owner)).data;

const query = artifact("LeadsQuery");
const fragment = artifact("Leads_query");
keep(query, { count: 6 });
const root = await ask(query, { count: 6 });
const first = read(fragment, root).leads;
assert.equal(first.edges.length, 6);
assert.equal(first.pageInfo.hasNextPage, true);

const more = fragment.metadata.refetch.operation;
keep(more, { count: 6, cursor: first.pageInfo.endCursor });
await ask(more, { count: 6, cursor: first.pageInfo.endCursor });
const merged = read(fragment, root).leads;
assert.equal(merged.edges.length, 12, "Relay's own merge of two pages");
checkPages([{ edges: merged.edges.slice(0, 6) }, { edges: merged.edges.slice(6) }]);

const { id } = merged.edges[11].node;
const refetched = await ask(artifact("LeadsLeadRefetchQuery"), { id });
const lead = read(artifact("Leads_lead"), refetched.node);
assert.ok("name" in lead && "status" in lead);
assert.deepEqual(lead, read(artifact("Leads_lead"), merged.edges[11].node));

await withSpeloDown(async () => {
  const filter = { createdAt: { from: "2004-01-01T00:00:00Z" } };
  keep(more, { count: 3, filter });
  checkPartial(read(fragment, await ask(more, { count: 3, filter })).leads);
});
console.log(`12 leads merged from two pages, a node refetched, a partial answer (${require("relay-runtime/package.json").version})`);
