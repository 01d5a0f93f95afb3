// The npm package graphql-ws: subscribes over WebSocket, receives, is cut and resumes; queries over the same socket; what is wrong
// is told as the protocol has it.

import { strict as assert } from "node:assert";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { check, query } from "../follow.mjs";
import { url } from "../kit.mjs";

const connect = () =>
  createClient({ url: `${url.replace(/^http/, "ws")}/ws`, webSocketImpl: WebSocket, retryAttempts: 0, lazyCloseTimeout: 1_000 });

const client = connect();
assert.equal((await one(client, "{ viewer { name } }")).data.viewer.name, "anonymous");
for (const wrong of ["subscription { shoes }", "subscription { a: events { type } b: events { type } }"]) {
  const [error] = await one(client, wrong).then(assert.fail, (errors) => errors);
  assert.equal(error.extensions.code, "GRAPHQL_VALIDATION_FAILED");
}
const refused = await one(client, query, { after: "no cursor" });
assert.equal(refused.errors[0].extensions.code, "CURSOR_INVALID");
await client.dispose();

const heard = await check((operation) => {
  const line = connect();
  return { answers: line.iterate(operation), cut: () => line.terminate() };
});
console.log(`${heard} events through eight cuts: nothing missed, nothing twice`);
process.exit(0);

async function one(client, query, variables) {
  for await (const answer of client.iterate({ query, variables })) return answer;
}
