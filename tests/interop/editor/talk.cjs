// Opens documents in the YAML language server that editors run, and prints what it flags and what it offers.
// In: [{"uri", "text", "complete": {"line", "character"}}]; out: [{"flags": [{"line", "message"}], "offers": [label]}].
const { spawn } = require("node:child_process");
const path = require("node:path");
const rpc = require("vscode-jsonrpc/node");

const server = path.join(__dirname, "node_modules/yaml-language-server/bin/yaml-language-server");
const child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const connection = rpc.createMessageConnection(
  new rpc.StreamMessageReader(child.stdout),
  new rpc.StreamMessageWriter(child.stdin),
);

const settings = { yaml: { validate: true, completion: true, schemaStore: { enable: false } } };
const flagged = new Map();
connection.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }) => flagged.get(uri)?.(diagnostics));
connection.onRequest("workspace/configuration", ({ items }) => items.map(({ section }) => settings[section] ?? null));
connection.onRequest("client/registerCapability", () => null);
connection.onRequest("window/workDoneProgress/create", () => null);
connection.listen();

async function main() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const documents = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  await connection.sendRequest("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: { workspace: { configuration: true }, textDocument: { completion: { completionItem: { snippetSupport: true } } } },
  });
  await connection.sendNotification("initialized", {});
  await connection.sendNotification("workspace/didChangeConfiguration", { settings });
  const results = [];
  for (const { uri, text, complete } of documents) {
    const told = new Promise((resolve) => flagged.set(uri, resolve));
    await connection.sendNotification("textDocument/didOpen", {
      textDocument: { uri, languageId: "yaml", version: 1, text },
    });
    const flags = (await told).map(({ range, message }) => ({ line: range.start.line + 1, message }));
    let offers = [];
    if (complete) {
      const answer = await connection.sendRequest("textDocument/completion", { textDocument: { uri }, position: complete });
      offers = (answer?.items ?? answer ?? []).map(({ label }) => label);
    }
    await connection.sendNotification("textDocument/didClose", { textDocument: { uri } });
    results.push({ flags, offers });
  }
  process.stdout.write(JSON.stringify(results));
  child.kill();
  process.exit(0);
}
main().catch((error) => {
  console.error(error);
  child.kill();
  process.exit(1);
});
