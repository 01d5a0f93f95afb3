// graphql-codegen's client preset over schema.graphql, tsc over what it makes, and the compiled program over the gateway.

import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "@graphql-codegen/cli";
import { checkPages, checkPartial, url, withSpeloDown } from "../kit.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

await generate({
  schema: join(here, "../../../schema.graphql"),
  documents: [join(here, "src/*.ts")],
  silent: true,
  emitLegacyCommonJSImports: false,
  generates: {
    [join(here, "__generated__/gql/")]: {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        strictScalars: true,
        scalars: { DateTime: "string", JSON: "unknown" },
      },
    },
  },
}, true);
try {
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", here], { stdio: "pipe" });
} catch (error) {
  console.log(String(error.stdout));
  process.exit(1);
}

const program = await import(join(here, "__generated__/out/src/main.js"));
const pages = await program.pages(url, 3);
checkPages(pages);
const lead = pages[0].edges[0].node;
assert.equal(await program.vendorOf(url, lead.id), lead.vendor);
await withSpeloDown(async () => {
  const [page] = await program.pages(url, 1, "2005-01-01T00:00:00Z");
  checkPartial(page);
});
console.log(`types generated, checked by tsc ${require("typescript").version}, and true of three pages, a node and a partial answer`);
