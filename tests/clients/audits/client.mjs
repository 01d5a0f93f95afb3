// The audits of the GraphQL-over-HTTP specification that come with graphql-http. All that say MUST and SHOULD have to pass;
// those that say MAY are the gateway's to choose, and what it chose is told.

import { auditServer } from "graphql-http";

const results = await auditServer({ url: process.env.LEADGRAPH_URL });
const of = (status) => results.filter((result) => result.status === status);
for (const result of results.filter((result) => result.status !== "ok")) {
  console.log(`${result.status}: ${result.id} ${result.name}: ${result.reason}`);
}
const demanded = results.filter((result) => /^(MUST|SHOULD)/.test(result.name));
const broken = demanded.filter((result) => result.status !== "ok");
console.log(
  `${demanded.length - broken.length} of ${demanded.length} MUST and SHOULD audits hold; of all ${results.length}: ` +
    `${of("ok").length} ok, ${of("notice").length} chosen otherwise`,
);
// An audit suite that shrinks tells nothing.
process.exitCode = broken.length === 0 && demanded.length >= 36 && of("error").length === 0 ? 0 : 1;
