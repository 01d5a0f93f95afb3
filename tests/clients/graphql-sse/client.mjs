// The npm package graphql-sse, in its mode of distinct connections: subscribes, receives, is cut and resumes; queries; what is
// wrong is told.

import { strict as assert } from "node:assert";
import { createClient } from "graphql-sse";
import { check, query } from "../follow.mjs";
import { url } from "../kit.mjs";

const connect = () => createClient({ url: `${url}/stream`, retryAttempts: 0 });

const client = connect();
assert.equal((await one("{ viewer { name } }")).data.viewer.name, "anonymous");
assert.equal((await one("subscription { shoes }")).errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
assert.equal((await one(query, { after: "no cursor" })).errors[0].extensions.code, "CURSOR_INVALID");
client.dispose();

const heard = await check((operation) => {
  const line = connect();
  return { answers: line.iterate(operation), cut: () => line.dispose() };
});
console.log(`${heard} events through eight cuts: nothing missed, nothing twice`);
process.exit(0);

async function one(query, variables) {
  for await (const answer of client.iterate({ query, variables })) return answer;
}
