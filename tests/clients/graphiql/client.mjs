// GraphiQL in Chromium that reaches nothing but the gateway: it opens with its tabs, runs the query of the first and of another,
// follows events while a vendor sends a webhook, all under its policy, and the browser complains of nothing. LEADGRAPH_SCREENSHOT names a file for a picture.

import { strict as assert } from "node:assert";
import { existsSync, readdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { tellNewest } from "../follow.mjs";
import { url } from "../kit.mjs";

const executablePath = ["chromium", "chromium-browser", "google-chrome"].map((name) => `/usr/bin/${name}`).find(existsSync);
if (!executablePath) {
  console.log("there is no Chromium here");
  process.exit(77);
}

const { origin } = new URL(url);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
const elsewhere = [];
const complaints = [];
await page.route("**/*", (route) => {
  const to = route.request().url();
  if (to.startsWith(`${origin}/`) || to.startsWith("data:")) return route.continue();
  elsewhere.push(to);
  return route.abort();
});
page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));

await page.goto(`${origin}/`);
await page.locator(".graphiql-container").waitFor({ timeout: 30_000 });
const tabs = page.locator(".graphiql-tab-button");
const examples = readdirSync(new URL("../../../examples/queries/", import.meta.url));
assert.equal(await tabs.count(), examples.length, "a tab for every example");
for (const tab of [0, 4]) {
  await tabs.nth(tab).click();
  // GraphiQL takes a moment to see which operation the tab holds, and until then names that of the tab before.
  await page.waitForTimeout(1_000);
  const [response] = await Promise.all([
    page.waitForResponse((response) => response.url() === url && !response.request().postData().includes("Introspection")),
    page.locator(".graphiql-execute-button").click(),
  ]);
  assert.equal(response.status(), 200);
  assert.match(response.headers()["content-type"], /graphql-response\+json/);
  await page.locator(".result-window").getByText('"data"').first().waitFor({ timeout: 10_000 });
}
// The last one follows events. Nothing says when it has begun, so the vendor tells until something is shown.
await tabs.nth(examples.length - 1).click();
await page.locator(".graphiql-query-editor").getByText("subscription", { exact: true }).waitFor({ timeout: 10_000 });
await Promise.all([
  page.waitForResponse((response) => response.url() === `${url}/stream`),
  page.locator(".graphiql-execute-button").click(),
]);
const event = page.locator(".result-window").getByText(/^"LEAD_(CREATED|UPDATED)"$/).first();
for (let tries = 0; !(await event.isVisible()); tries += 1) {
  assert.ok(tries < 20, "no event is shown");
  await tellNewest();
  await event.waitFor({ timeout: 1_000 }).catch(() => {});
}
if (process.env.LEADGRAPH_SCREENSHOT) await page.screenshot({ path: `${process.env.LEADGRAPH_SCREENSHOT}.events.png` });
// The same button ends it.
await page.locator(".graphiql-execute-button").click();
await tabs.nth(0).click();
await page.locator(".result-window").getByText('"data"').first().waitFor({ timeout: 10_000 });
if (process.env.LEADGRAPH_SCREENSHOT) await page.screenshot({ path: process.env.LEADGRAPH_SCREENSHOT });
const version = browser.version();
await browser.close();
assert.deepEqual(elsewhere, [], "nothing comes from elsewhere");
assert.deepEqual(complaints, [], "the browser complains of nothing");
console.log(`${examples.length} tabs, two queries run, an event shown, nothing from elsewhere (Chromium ${version})`);
