// What relay-compiler reads. The runtime is handed its artifacts, so this file is never run.
import { graphql } from "relay-runtime";

graphql`
  query LeadsQuery($count: Int!) {
    ...Leads_query @arguments(count: $count)
  }
`;

graphql`
  fragment Leads_query on Query
  @refetchable(queryName: "LeadsPaginationQuery")
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 5 }
    cursor: { type: "String" }
    filter: { type: "LeadFilter" }
  ) {
    leads(first: $count, after: $cursor, filter: $filter) @connection(key: "Leads_leads", filters: ["filter"]) {
      edges {
        node {
          id
          vendor
          createdAt
          ...Leads_lead
        }
      }
      incomplete
      sources {
        status
        source {
          name
        }
        error {
          code
        }
      }
    }
  }
`;

graphql`
  fragment Leads_lead on Lead @refetchable(queryName: "LeadsLeadRefetchQuery") {
    name
    status
  }
`;
