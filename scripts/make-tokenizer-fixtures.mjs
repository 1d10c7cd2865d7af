// Writes fixtures/tokenizers: small tokenizers in the layout of Qwen2.5, Qwen3, Llama-3 and Gemma, with chat templates that
// were written here to give the form of text that those models read. Deterministic; nothing is downloaded or copied.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { countPieces, learnMerges } from "./learn-merges.mjs";

const QWEN2 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const LLAMA3 = QWEN2.replace("|\\p{N}|", "|\\p{N}{1,3}|");
/** Merges are learned from this; enough words of the trade that tokens are longer than bytes. */
const TEXT =
  `The user asks for the answer of a sum. The assistant has to think step by step, and then it gives the answer.
Wait, let me check that again: 12 + 30 = 42, so the remainder of 42 by 5 is 2. Therefore the final answer is 2.
Answer: the value of x is 7, because x + 3 = 10 and 10 - 3 = 7. We have n = 100 and m = 200, which gives 300 in all.
system user assistant model think answer Final Answer:\n\nHmm, is that right? Let us see.\n\n`.repeat(4);
const WORDS =
  /(?:'[sStTmMdD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu;

const BYTES = (() => {
  const isPrintable = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();
const hexByte = (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

const addedToken = (id, content, special) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special,
});

const special = (content) => ({ content, special: true });
const ordinary = (content) => ({ content, special: false });

function byteLevel({ pattern, normalizer, controls, digits, ignoreMerges }) {
  const pieces = TEXT.match(WORDS).flatMap((piece) =>
    digits === 1 && /^\d+$/.test(piece) ? Array.from(piece) : [piece],
  );
  const merges = learnMerges(
    countPieces(pieces, (piece) => Array.from(new TextEncoder().encode(piece), (byte) => BYTES[byte])),
    160,
  );
  const tokens = [...new Set([...BYTES, ...merges.map((pair) => pair.join(""))])];
  // Llama-3 has whole words that its merges alone never reach; ignore_merges finds them.
  if (ignoreMerges) tokens.push("zyzzyva");
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: controls.map((control, index) => addedToken(tokens.length + index, control.content, control.special)),
    normalizer,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: ignoreMerges,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map((pair) => pair.join(" ")),
    },
  };
}

function sentencePiece({ controls, plain }) {
  const marked = TEXT.replaceAll(" ", "\u2581").replaceAll("\n", "");
  const merges = learnMerges(
    countPieces(marked.split(/(?<=[^\u2581])(?=\u2581)/), (piece) => Array.from(piece)),
    160,
  );
  const characters = [...new Set(marked)].sort();
  const bytes = Array.from({ length: 256 }, (_, byte) => hexByte(byte));
  const tokens = [...new Set([...controls, ...bytes, ...plain, ...characters, ...merges.map((pair) => pair.join(""))])];
  const id = (token) => tokens.indexOf(token);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      ...controls.map((content) => addedToken(id(content), content, true)),
      ...plain.map((content) => addedToken(id(content), content, false)),
    ],
    normalizer: { type: "Replace", pattern: { String: " " }, content: "\u2581" },
    pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "MergedWithPrevious", invert: false },
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "\u2581" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
      ],
    },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, index) => [token, index])),
      merges,
    },
  };
}

const CHATML_TURN = "'<|im_start|>' + turn.role + '\\n' + turn.content + '<|im_end|>\\n'";

// ChatML with Qwen's default system turn.
const QWEN25_TEMPLATE = `{%- set first = messages[0] -%}
{%- if first.role == 'system' -%}{%- set told = first.content -%}{%- set turns = messages[1:] -%}
{%- else -%}{%- set told = 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' -%}{%- set turns = messages -%}
{%- endif -%}
{{- '<|im_start|>system\\n' + told + '<|im_end|>\\n' -}}
{%- for turn in turns -%}{{- ${CHATML_TURN} -}}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}`;

// ChatML without a system turn. Behind the last question an assistant's thinking stands between <think> and </think>, empty
// where it has none; before it the thinking is left out.
const QWEN3_TEMPLATE = `{%- set seen = namespace(question=-1) -%}
{%- for turn in messages -%}{%- if turn.role == 'user' -%}{%- set seen.question = loop.index0 -%}{%- endif -%}{%- endfor -%}
{%- for turn in messages -%}
{%- if turn.role != 'assistant' -%}{{- ${CHATML_TURN} -}}
{%- else -%}
{%- set said = turn.content -%}{%- set thought = '' -%}
{%- if turn.reasoning_content is defined and turn.reasoning_content is not none -%}{%- set thought = turn.reasoning_content -%}
{%- elif '</think>' in said -%}
{%- set thought = said.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') -%}
{%- set said = said.split('</think>')[-1].lstrip('\\n') -%}
{%- endif -%}
{{- '<|im_start|>assistant\\n' -}}
{%- if loop.index0 > seen.question -%}{{- '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + said.lstrip('\\n') -}}
{%- else -%}{{- said -}}{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- if enable_thinking is defined and not enable_thinking -%}{{- '<think>\\n\\n</think>\\n\\n' -}}{%- endif -%}
{%- endif -%}
`;

const LLAMA3_TEMPLATE = `{{- bos_token -}}
{%- for turn in messages -%}
{{- '<|start_header_id|>' + turn.role + '<|end_header_id|>\\n\\n' + (turn.content | trim) + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}{%- endif -%}`;

const GEMMA_TEMPLATE = `{{- bos_token -}}
{%- if messages[0].role == 'system' -%}{{- raise_exception('there is no system role') -}}{%- endif -%}
{%- for turn in messages -%}
{%- if (turn.role == 'user') != (loop.index0 % 2 == 0) -%}{{- raise_exception('user and assistant must take turns') -}}{%- endif -%}
{{- '<start_of_turn>' + ('model' if turn.role == 'assistant' else turn.role) + '\\n' + (turn.content | trim) + '<end_of_turn>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}`;

const QWEN_CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(special);
const QWEN_WORDS = ["<tool_call>", "</tool_call>", "<|fim_pad|>"].map(ordinary);
const NFC = { type: "NFC" };

const FAMILIES = {
  "qwen2.5": {
    tokenizer: byteLevel({
      pattern: QWEN2,
      normalizer: NFC,
      controls: [...QWEN_CONTROLS, ...QWEN_WORDS],
      digits: 1,
      ignoreMerges: false,
    }),
    config: {
      tokenizer_class: "Qwen2Tokenizer",
      bos_token: null,
      eos_token: "<|im_end|>",
      pad_token: "<|endoftext|>",
      model_max_length: 131072,
      chat_template: QWEN25_TEMPLATE,
    },
  },
  qwen3: {
    tokenizer: byteLevel({
      pattern: QWEN2,
      normalizer: NFC,
      controls: [...QWEN_CONTROLS, ...QWEN_WORDS, ...["<think>", "</think>"].map(ordinary)],
      digits: 1,
      ignoreMerges: false,
    }),
    config: {
      tokenizer_class: "Qwen2Tokenizer",
      bos_token: null,
      eos_token: "<|im_end|>",
      pad_token: "<|endoftext|>",
      model_max_length: 131072,
    },
    template: QWEN3_TEMPLATE,
  },
  "llama-3": {
    tokenizer: byteLevel({
      pattern: LLAMA3,
      normalizer: null,
      controls: [
        "<|begin_of_text|>",
        "<|end_of_text|>",
        ...[0, 1, 2, 3, 4, 5].map((index) => `<|reserved_special_token_${index}|>`),
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
      ].map(special),
      digits: 3,
      ignoreMerges: true,
    }),
    config: {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: "<|begin_of_text|>",
      eos_token: "<|eot_id|>",
      model_max_length: 131072,
      chat_template: LLAMA3_TEMPLATE,
    },
  },
  gemma: {
    tokenizer: sentencePiece({
      controls: ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"],
      plain: ["\n", "\n\n", "\n\n\n", "\t"],
    }),
    config: {
      tokenizer_class: "GemmaTokenizer",
      bos_token: "<bos>",
      eos_token: "<eos>",
      pad_token: "<pad>",
      unk_token: "<unk>",
      model_max_length: 131072,
      chat_template: GEMMA_TEMPLATE,
    },
  },
};

const root = process.argv[2] ?? fileURLToPath(new URL("../fixtures/tokenizers", import.meta.url));
for (const [name, { tokenizer, config, template }] of Object.entries(FAMILIES)) {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "tokenizer.json"), `${JSON.stringify(tokenizer)}\n`);
  writeFileSync(join(folder, "tokenizer_config.json"), `${JSON.stringify(config, null, 2)}\n`);
  if (template !== undefined) writeFileSync(join(folder, "chat_template.jinja"), template);
}
