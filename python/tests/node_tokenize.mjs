// Answers, as JSON on standard output, what our tokenizer makes of the request on standard input:
// { folder, userTexts: string[], controlTexts: string[], idLists: number[][], chats: { messages, options }[] }
import { readFileSync } from "node:fs";
import { readTokenizerFolder } from "../../dist/adapters/model-folder.js";

const request = JSON.parse(readFileSync(0, "utf8"));
const { tokenizer, chatTemplate } = await readTokenizerFolder(request.folder);
const answer = {
  vocabularySize: tokenizer.vocabularySize,
  controlIds: tokenizer.controlIds,
  user: request.userTexts.map((text) => tokenizer.encodeUser(text)),
  control: request.controlTexts.map((text) => tokenizer.encodeControl(text)),
  texts: request.idLists.map((ids) => tokenizer.decode(ids)),
  chats: request.chats.map(({ messages, options }) => ({
    text: chatTemplate.renderText(messages, options),
    ids: chatTemplate.encodePrompt(messages, options),
  })),
};
process.stdout.write(JSON.stringify(answer));
