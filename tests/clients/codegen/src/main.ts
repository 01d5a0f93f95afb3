// A program whose types come from the schema: it compiles only if what it selects is there, and is of the type it takes it for.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";
import { graphql } from "../__generated__/gql/gql.js";
import type { LeadStatus, PageQuery, Vendor } from "../__generated__/gql/graphql.js";

const page = graphql(`
  query Page($first: Int!, $after: String, $filter: LeadFilter) {
    leads(first: $first, after: $after, filter: $filter) {
      edges { node { id vendor status createdAt source { name } } }
      pageInfo { endCursor }
      incomplete
      sources { status source { name } error { code } }
    }
  }
`);
const node = graphql(`
  query Node($id: ID!) {
    node(id: $id) { __typename ... on Lead { id vendor } }
  }
`);

export async function ask<Result, Variables>(
  url: string,
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data } = (await response.json()) as { data?: Result };
  if (!data) throw new Error(`no data: ${response.status}`);
  return data;
}

export async function pages(url: string, count: number, from?: string) {
  const found: NonNullable<PageQuery["leads"]>[] = [];
  let after: string | null = null;
  for (let n = 0; n < count; n += 1) {
    const filter: { createdAt: { from: string } } | null = from ? { createdAt: { from } } : null;
    const { leads }: PageQuery = await ask(url, page, { first: 6, after, filter });
    if (!leads) throw new Error("no list");
    found.push(leads);
    after = leads.pageInfo.endCursor ?? null;
  }
  return found;
}

export async function vendorOf(url: string, id: string): Promise<Vendor | null> {
  const found = await ask(url, node, { id });
  return found.node?.__typename === "Lead" ? found.node.vendor : null;
}

/** Null is a vendor without statuses, which types make a program think of. */
export function count(statuses: (LeadStatus | null | undefined)[], wanted: LeadStatus): number {
  return statuses.filter((status) => status === wanted).length;
}

// @ts-expect-error A field that there is not is noticed.
export type None = Awaited<ReturnType<typeof pages>>[number]["shoeSize"];
