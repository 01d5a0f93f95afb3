// Apollo Client: pages through leads with its cache's Relay policy, refetches a node, reads a partial answer with its default
// error policy, and sends persisted queries by its own link.

import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { checkPages, checkPartial, url, withSpeloDown } from "../kit.mjs";

const require = createRequire(import.meta.url);
const { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } = require("@apollo/client");
const { relayStylePagination } = require("@apollo/client/utilities");
const { PersistedQueryLink } = require("@apollo/client/link/persisted-queries");

const LEADS = gql`
  query Leads($first: Int!, $after: String, $filter: LeadFilter) {
    leads(first: $first, after: $after, filter: $filter) {
      edges { cursor node { __typename id name vendor createdAt } }
      pageInfo { hasNextPage endCursor }
      incomplete
      sources { status source { name } error { code } }
    }
  }
`;

const cache = () =>
  new InMemoryCache({ typePolicies: { Query: { fields: { leads: relayStylePagination(["filter"]) } } } });

const client = new ApolloClient({ cache: cache(), link: new HttpLink({ uri: url }) });

const watched = client.watchQuery({ query: LEADS, variables: { first: 8 } });
await new Promise((done, failed) => {
  const subscription = watched.subscribe({
    next: (result) => result.data && !result.loading && (subscription.unsubscribe(), done()),
    error: failed,
  });
});
const pages = [watched.getCurrentResult().data.leads];
for (let page = 0; page < 2; page += 1) {
  const after = pages.at(-1).pageInfo.endCursor;
  const { data } = await watched.fetchMore({ variables: { first: 8, after } });
  pages.push(data.leads);
}
checkPages(pages);
const merged = client.readQuery({ query: LEADS, variables: { first: 8 } }).leads;
assert.equal(merged.edges.length, 24, "the cache's own merge of three pages");

const { id } = merged.edges[0].node;
const node = gql`query Node($id: ID!) { node(id: $id) { id ... on Lead { name vendor } } }`;
const { data } = await client.query({ query: node, variables: { id }, fetchPolicy: "network-only" });
assert.equal(data.node.id, id);

await withSpeloDown(async () => {
  const filter = { createdAt: { from: "2001-01-01T00:00:00Z" } };
  const { data } = await client.query({ query: LEADS, variables: { first: 3, filter }, fetchPolicy: "no-cache" });
  checkPartial(data.leads);
});

// Persisted queries: the hash alone by GET, the document once where it is not known, the hash alone from then on.
const sent = [];
const recorded = async (uri, options) => {
  const response = await fetch(uri, options);
  sent.push({ method: options.method, document: `${uri}${options.body ?? ""}`.includes("sources"), response });
  return response;
};
const persisting = () =>
  new ApolloClient({
    cache: cache(),
    link: ApolloLink.from([
      new PersistedQueryLink({
        sha256: (text) => createHash("sha256").update(text).digest("hex"),
        useGETForHashedQueries: true,
      }),
      new HttpLink({ uri: url, fetch: recorded }),
    ]),
  });
// A document of its own for every run, so that it is unknown at first.
const fresh = gql(`query Persisted${Date.now()} { sources { name } }`);
for (let time = 0; time < 2; time += 1) {
  const { data, error } = await persisting().query({ query: fresh });
  assert.ok(!error && data.sources.length > 2, String(error));
}
assert.deepEqual(
  sent.map(({ method, document }) => [method, document]),
  [["GET", false], ["POST", true], ["GET", false]],
);
assert.match(sent[2].response.headers.get("cache-control"), /^private, max-age=\d+$/);
for (const { response } of sent.slice(0, 2)) assert.equal(response.headers.get("cache-control"), "no-store");

console.log(`24 leads in three pages, a node, a partial answer, a persisted query (${require("@apollo/client/package.json").version})`);
client.stop();
