// The Vercel AI SDK: responses, chat, streams, tools and structured output.
import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, generateText, jsonSchema, streamText, tool } from "ai";

const [url, model, untouched, touched] = process.argv.slice(2);
const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: "none" });
const place = jsonSchema({
  type: "object",
  properties: { place: { type: "string", enum: ["harbour", "market"] } },
  required: ["place"],
  additionalProperties: false,
});
const given = { maxOutputTokens: 96, temperature: 0, maxRetries: 0 };
const said = {};
for (const [api, chosen] of [["responses", openai(model)], ["chat", openai.chat(model)]]) {
  for (const [name, prompt] of [["untouched", untouched], ["touched", touched]]) {
    said[`${api} ${name}`] = (await generateText({ model: chosen, prompt, ...given })).text;
    let text = "";
    const stream = streamText({ model: chosen, prompt, ...given, onError: ({ error }) => { throw error; } });
    for await (const delta of stream.textStream) text += delta;
    said[`${api} stream ${name}`] = text;
  }
}
const tools = { look_up: tool({ description: "Looks up.", inputSchema: place, strict: true }) };
// The small model at times fills what it may with blanks, and ends at the limit of tokens.
const unfinished = (error) => {
  if (error.finishReason === "length") return "unfinished";
  throw error;
};
const asked = { model: openai.chat(model), prompt: untouched, frequencyPenalty: 2, ...given };
said["place by tool"] = await generateText({ ...asked, tools, toolChoice: { type: "tool", toolName: "look_up" } })
  .then((called) => called.toolCalls[0].input.place, unfinished);
said["place by schema"] = await generateObject({ ...asked, schema: place })
  .then((made) => made.object.place, unfinished);
console.log(JSON.stringify(said));
