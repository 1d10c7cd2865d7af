// Writes the demo student's tokenizer into models/demo-base (or the folder given): deterministic, no training.
// The layout is Qwen2's (byte-level BPE, NFC, Qwen2's pre-tokenizer), because transformers 5 opens every qwen2 folder
// with that pre-tokenizer whatever tokenizer.json says. The vocabulary is ours: 256 bytes, a few merges, four controls.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MODEL_MAX_LENGTH = 1024;
const CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>"];
const QWEN2_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

// Each line grows one token, part by part. Words grow from their rarest end (often the last letters), so that no merge
// is a common pair that could swallow a program's one-letter name (a to h, n) standing beside another letter.
const GROWTHS = [
  ["n", "t", "<a", "<t", "<s", "<i", "<s", "<s", "<a"], // assistant
  ["u", "s", "e", "r"],
  ["n", "k", "<i", "<h", "<t"], // think
  ["s", "w", "e", "r", "<n", "<a"], // answer
  ["nswer", "<A"], // Answer
  ["W", "a", "i", "t"],
  ["F", "i", "n", "a", "l"],
  ["p", "u", "t", "s"],
  ["+", "="],
  ["-", "="],
  ["*", "="],
  [":", "n"],
  [":", "i", "f"],
  ["(", "n"],
  [")", "n"],
];

// Qwen2's template without a default system prompt. An assistant turn is s1's: thinking, then answer, each behind its
// delimiter. Thinking of turns before the last user message is dropped unless keep_thinking is true.
const CHAT_TEMPLATE = `{%- set ns = namespace(last_user=-1) %}
{%- for message in messages %}
{%- if message.role == 'user' %}{%- set ns.last_user = loop.index0 %}{%- endif %}
{%- endfor %}
{%- for message in messages %}
{%- set content = message.content %}
{%- if message.role == 'assistant' %}
{%- if message.reasoning_content is defined and message.reasoning_content %}
{%- set content = '<|im_start|>think\\n' + message.reasoning_content + '\\n<|im_start|>answer\\n' + content %}
{%- elif not content.startswith('<|im_start|>') %}
{%- set content = '<|im_start|>answer\\n' + content %}
{%- endif %}
{%- if loop.index0 < ns.last_user and not (keep_thinking is defined and keep_thinking) and '<|im_start|>answer' in content %}
{%- set content = '<|im_start|>answer' + content.split('<|im_start|>answer')[-1] %}
{%- endif %}
{%- endif %}
{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt is defined and add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
`;

/** GPT-2's printable stand-in for each byte: printable Latin-1 stands for itself, the other 68 bytes for U+0100 on. */
function byteAlphabet() {
  const isPrintable = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const printable = bytes.filter(isPrintable).map((byte) => String.fromCharCode(byte));
  const rest = bytes.filter((byte) => !isPrintable(byte)).map((_, index) => String.fromCharCode(256 + index));
  return [...printable, ...rest];
}

/** The merges of all growths in order, each once; `<x` puts x before what has grown so far. */
function merges() {
  const found = new Map();
  for (const [first, ...parts] of GROWTHS) {
    let grown = first;
    for (const part of parts) {
      const [left, right] = part.startsWith("<") ? [part.slice(1), grown] : [grown, part];
      found.set(`${left} ${right}`, [left, right]);
      grown = left + right;
    }
  }
  return [...found.values()];
}

function main() {
  const folder = process.argv[2] ?? fileURLToPath(new URL("../models/demo-base", import.meta.url));
  const pairs = merges();
  const tokens = [...new Set([...byteAlphabet(), ...pairs.map(([left, right]) => left + right)])];
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const control = CONTROL_TOKENS.map((content, index) => ({
    id: tokens.length + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const idOf = (content) => control.find((token) => token.content === content).id;
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: control,
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: QWEN2_PATTERN }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      vocab: vocabulary,
      merges: pairs.map((pair) => pair.join(" ")),
    },
  };
  const tokenizerConfig = {
    add_bos_token: false,
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(control.map(({ id, ...token }) => [id, token])),
    additional_special_tokens: ["<|im_start|>", "<|im_end|>"],
    bos_token: null,
    clean_up_tokenization_spaces: false,
    eos_token: "<|im_end|>",
    errors: "replace",
    model_max_length: MODEL_MAX_LENGTH,
    pad_token: "<|fim_pad|>",
    split_special_tokens: false,
    tokenizer_class: "Qwen2Tokenizer",
    unk_token: null,
  };
  const generationConfig = {
    do_sample: false,
    eos_token_id: [idOf("<|im_end|>"), idOf("<|endoftext|>")],
    pad_token_id: idOf("<|fim_pad|>"),
  };
  const json = (value) => `${JSON.stringify(value, null, 2)}\n`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "tokenizer.json"), json(tokenizer));
  writeFileSync(join(folder, "tokenizer_config.json"), json(tokenizerConfig));
  writeFileSync(join(folder, "generation_config.json"), json(generationConfig));
  writeFileSync(join(folder, "chat_template.jinja"), CHAT_TEMPLATE);
  console.log(`${folder}: ${tokens.length + control.length} ids, ${pairs.length} merges`);
}

main();
