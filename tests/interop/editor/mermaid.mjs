// Parses flowcharts as Mermaid does. In: [text]; out: for each the number of boxes and arrows, or what is wrong.
// Mermaid cleans labels in a browser; here nothing is shown, so that texts may stay as they are.
import purify from "dompurify";
purify.addHook ??= () => {};
purify.sanitize ??= (text) => text;

const { default: mermaid } = await import("mermaid");
// The kinds of diagrams are made known by the first call.
await mermaid.parse("flowchart TD\n  a --> b");
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const results = [];
for (const text of JSON.parse(Buffer.concat(chunks).toString("utf8"))) {
  try {
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    results.push({ boxes: [...db.getVertices().values()].map(({ text }) => text), arrows: db.getEdges().length });
  } catch (error) {
    results.push({ error: String(error.message ?? error) });
  }
}
process.stdout.write(JSON.stringify(results));
