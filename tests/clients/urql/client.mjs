// urql: pages through leads by POST and by GET, refetches a node, reads a partial answer and an error, and sends persisted
// queries by its own exchange.

import { strict as assert } from "node:assert";
import { Client, fetchExchange, gql } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { checkPages, checkPartial, url, withSpeloDown } from "../kit.mjs";

const LEADS = gql`
  query Leads($first: Int!, $after: String, $filter: LeadFilter) {
    leads(first: $first, after: $after, filter: $filter) {
      edges { cursor node { id name vendor createdAt } }
      pageInfo { hasNextPage endCursor }
      incomplete
      sources { status source { name } error { code } }
    }
  }
`;
const marked = { fetchOptions: { headers: { "graphql-require-preflight": "1" } } };

for (const preferGetMethod of [false, "force"]) {
  const client = new Client({ url, exchanges: [fetchExchange], preferGetMethod, ...marked });
  const pages = [];
  for (let after = null; pages.length < 3; after = pages.at(-1).pageInfo.endCursor) {
    const { data, error } = await client.query(LEADS, { first: 8, after });
    assert.ok(!error, String(error));
    pages.push(data.leads);
  }
  checkPages(pages);

  const { id } = pages[0].edges[0].node;
  const { data } = await client.query(gql`query Node($id: ID!) { node(id: $id) { id } }`, { id });
  assert.equal(data.node.id, id);

  const { error } = await client.query(gql`query Wrong { node(id: "nonsense") { id } }`, {});
  assert.equal(error.graphQLErrors[0].extensions.code, "BAD_ID");

  await withSpeloDown(async () => {
    const filter = { createdAt: { from: preferGetMethod ? "2002-01-01T00:00:00Z" : "2003-01-01T00:00:00Z" } };
    checkPartial((await client.query(LEADS, { first: 3, filter })).data.leads);
  });
}

const sent = [];
const persisting = new Client({
  url,
  exchanges: [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange],
  fetch: (uri, options) => (sent.push(/[?&]query=/.test(uri) ? "document" : "hash"), fetch(uri, options)),
  ...marked,
});
for (const requestPolicy of ["network-only", "network-only"]) {
  const fresh = `query Persisted${process.pid}x${Math.round(performance.timeOrigin)} { sources { name } }`;
  const { data, error } = await persisting.query(fresh, {}, { requestPolicy });
  assert.ok(!error && data.sources.length > 2, String(error));
}
assert.deepEqual(sent, ["hash", "document", "hash"]);
console.log("24 leads in three pages by POST and by GET, a node, an error, a partial answer, a persisted query");
