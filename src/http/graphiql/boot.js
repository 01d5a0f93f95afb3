// Starts GraphiQL against the gateway that served this page.
"use strict";
const fetcher = GraphiQL.createFetcher({
  url: new URL("graphql", document.baseURI).href,
  headers: { accept: "application/graphql-response+json, application/json;q=0.9" },
});
const explorer = GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false });
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    plugins: [explorer],
    defaultTabs: window.LEADGRAPH_QUERIES.map((query) => ({ query })),
    defaultEditorToolsVisibility: false,
    inputValueDeprecation: true,
    // What is typed is kept under this page's own name, not GraphiQL's.
    shouldPersistHeaders: false,
  }),
);
