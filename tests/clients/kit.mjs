// What every client here needs: where the gateway is, a vendor to break, and a way to say what was expected.

import { strict as assert } from "node:assert";

export const url = process.env.LEADGRAPH_URL;

/** Does something while Spelo answers nothing but failures. What was read before may still be served. */
export async function withSpeloDown(work) {
  const faults = (rules) =>
    fetch(`${process.env.LEADGRAPH_SPELO}/faults`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(rules),
    });
  await faults([{ fault: { kind: "status", status: 500 } }]);
  try {
    return await work();
  } finally {
    await faults([]);
  }
}

/** A page of leads, as every client here asks for it, goes on where the page before ended. */
export function checkPages(pages) {
  const leads = pages.flatMap((page) => page.edges.map((edge) => edge.node));
  assert.ok(pages.length > 1 && leads.length > pages.length, "several leads to a page");
  assert.equal(new Set(leads.map((lead) => lead.id)).size, leads.length, "no lead twice");
  const times = leads.map((lead) => Date.parse(lead.createdAt));
  assert.deepEqual(times, times.toSorted((a, b) => b - a), "newest first, over all pages");
  assert.ok(new Set(leads.map((lead) => lead.vendor)).size > 1, "of several vendors");
}

/** What a list says of itself where one vendor is down. */
export function checkPartial(connection) {
  assert.equal(connection.incomplete, true);
  assert.ok(connection.edges.length > 0, "the others' records are there");
  const failed = connection.sources.filter((report) => report.error);
  assert.deepEqual(failed.map((report) => report.source.name), ["spelo"]);
  // It may have failed so often by now that it is left alone.
  assert.match(failed[0].error.code, /^(VENDOR_ERROR|BREAKER_OPEN)$/);
}
