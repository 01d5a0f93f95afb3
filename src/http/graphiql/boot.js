// Starts GraphiQL against the gateway that served this page.
"use strict";
const address = (path) => new URL(path, document.baseURI).href;
const once = GraphiQL.createFetcher({
  url: address("graphql"),
  headers: { accept: "application/graphql-response+json, application/json;q=0.9" },
});

// The subscription that is to run; undefined where it is something else. Found in the text, since what GraphiQL says of it may
// be of the tab before.
function followed({ query, operationName }) {
  let operations = [];
  try {
    operations = GraphiQL.GraphQL.parse(query).definitions.filter(({ kind }) => kind === "OperationDefinition");
  } catch {
    // The gateway says what is wrong with it.
  }
  const operation = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  return operation?.operation === "subscription" ? { query, operationName: operation.name?.value } : undefined;
}

// The answers to a subscription, by the protocol graphql-sse (distinct connections).
function events(params, options) {
  const cut = new AbortController();
  async function* read() {
    const response = await fetch(address("graphql/stream"), {
      method: "POST",
      headers: { ...options?.headers, accept: "text/event-stream", "content-type": "application/json" },
      body: JSON.stringify(params),
      signal: cut.signal,
    });
    if (!response.ok) {
      yield await response.json();
      return;
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        if (part.startsWith("event: complete")) return;
        if (part.startsWith("event: next\ndata: ")) yield JSON.parse(part.slice("event: next\ndata: ".length));
      }
    }
  }
  const answers = read();
  return {
    [Symbol.asyncIterator]() { return this; },
    next: () => answers.next(),
    // At once: what is being waited for may never come.
    return: async () => (cut.abort(), { done: true, value: undefined }),
  };
}

const explorer = GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false });
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: (params, options) => {
      const subscription = followed(params);
      return subscription ? events({ ...params, ...subscription }, options) : once(params, options);
    },
    plugins: [explorer],
    defaultTabs: window.LEADGRAPH_QUERIES.map((query) => ({ query })),
    defaultEditorToolsVisibility: false,
    inputValueDeprecation: true,
    // What is typed is kept under this page's own name, not GraphiQL's.
    shouldPersistHeaders: false,
  }),
);
