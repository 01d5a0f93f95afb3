// Following events through cut lines while a simulated vendor sends webhooks, whatever the client.

import { strict as assert } from "node:assert";
import { url } from "./kit.mjs";

const SECRET = "whsec_of_the_simulated_vendors";
/** Rounds of news of all leads. */
const ROUNDS = 15;
const { origin } = new URL(url);

export const query = `subscription Follow($after: String) {
  events(after: $after, filter: { vendors: [LEADSAIL], types: [LEAD_CREATED, LEAD_UPDATED] }) {
    cursor type receivedAt source { name } lead { vendorId name } } }`;

const post = async (address, body) => {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${address}: ${answer.status}`);
  return answer.json();
};

/** Has LeadSail, which allows the most calls, tell the gateway that something became of these leads. */
async function tell(leads) {
  const order = { url: `${origin}/webhooks/leadsail`, secret: SECRET, event: "lead.processed", leads };
  const outcomes = await post(`${process.env.LEADGRAPH_LEADSAIL}/webhooks`, order);
  assert.ok(JSON.stringify(outcomes).includes("202"), JSON.stringify(outcomes));
}

/** The same, of the newest lead. */
export const tellNewest = () => tell([]);

/** One who listens: keeps what it hears, and can be cut. `open` gives the answers of a subscription and a way to cut its line. */
class Listener {
  heard = [];

  constructor(open) {
    this.open = open;
    this.resume();
  }

  resume() {
    const { answers, cut } = this.open({ query, variables: { after: this.heard.at(-1)?.cursor } });
    this.cut = cut;
    (async () => {
      for await (const { data, errors } of answers) {
        assert.equal(errors, undefined, JSON.stringify(errors));
        this.heard.push(data.events);
      }
    })().catch(() => {});
  }

  async until(count) {
    for (let waited = 0; this.heard.length < count; waited += 20) {
      assert.ok(waited < 20_000, `${this.heard.length} events of ${count} were heard`);
      await pause(20);
    }
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Subscribes, receives, cuts the line, resumes: nothing is missed and nothing heard twice. */
export async function check(open) {
  const found = await post(url, { query: "{ leads(first: 8, filter: { vendors: [LEADSAIL] }) { nodes { vendorId } } }" });
  const leads = found.data.leads.nodes.map((lead) => lead.vendorId);
  assert.equal(leads.length, 8);
  const [whole, broken] = [new Listener(open), new Listener(open)];
  // Nothing says when a subscription has begun, so the first event is told until both have heard of it.
  while (whole.heard.length === 0 || broken.heard.length === 0) {
    await tell(leads.slice(0, 1));
    await pause(600);
  }
  assert.equal(whole.heard[0].source.name, "leadsail");
  assert.ok(whole.heard.every(({ lead }) => lead.vendorId === leads[0]));
  for (const [from, to] of [[1, 3], [3, 4], [4, 8]]) {
    const before = whole.heard.length;
    // While it is cut, while it comes back, and when it is back.
    broken.cut();
    await tell(leads.slice(from, to));
    if (to - from === 1) await whole.until(before + 1);
    broken.resume();
    await tell(leads.slice(0, 1));
    await whole.until(before + to - from + 1);
  }
  // Many events, each lead's several times, with the line cut again and again: while they come, and between them.
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = whole.heard.length;
    if (round % 3 === 0) broken.cut();
    await tell(leads);
    if (round % 3 === 0) setTimeout(() => broken.resume(), (round * 50) % 400);
    await whole.until(before + leads.length);
  }
  await broken.until(whole.heard.length);
  const cursors = (listener) => listener.heard.map(({ cursor }) => cursor);
  const [all, taken] = [cursors(whole), cursors(broken)];
  // Each began at its own moment, with the first that it heard.
  const shared = all.slice(all.indexOf(taken[0]));
  assert.ok(taken.length >= 10 + ROUNDS * leads.length, `${taken.length} events`);
  assert.deepEqual(taken, shared, "nothing missed, nothing twice, in one order");
  assert.equal(new Set(all).size, all.length);
  const told = new Set(whole.heard.map(({ lead }) => lead.vendorId));
  assert.deepEqual([...told].toSorted(), leads.toSorted(), "all that was told was heard");
  return taken.length;
}
