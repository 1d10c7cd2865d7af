import { buildCommand } from "@stricli/core";
import { WEIGHT_TYPES } from "../../student/export/weight-types.ts";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa export`. */
export const exportCommand = buildCommand({
  loader: async () => (await import("./export.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      to: {
        kind: "enum",
        values: ["dataset", "hf", "gguf"],
        brief: "the examples, or the student: in Hugging Face's layout, or as GGUF with a Modelfile",
        default: "dataset",
      },
      type: {
        kind: "enum",
        values: WEIGHT_TYPES,
        brief: "type of the student's weights; q8_0 with gguf alone (default: as they are)",
        optional: true,
      },
      base: {
        kind: "parsed",
        parse: plainText,
        brief: "base of an adapter, to merge it into (default: as adapter or recipe say)",
        optional: true,
        placeholder: "FOLDER",
      },
      out: {
        kind: "parsed",
        parse: plainText,
        brief: "folder to write (default for a student: model-hf or model-gguf in the run, NAME-hf or NAME-gguf here)",
        optional: true,
        placeholder: "FOLDER",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [
        {
          brief: "folder of a run, or its name in runs/; for a student also a model's or an adapter's folder",
          parse: plainText,
          placeholder: "RUN",
        },
      ],
    },
  },
  docs: {
    brief: "write what a run selected as a data set, or its student for transformers or llama.cpp",
    fullDescription:
      "Writes the examples that a run selected, with s1K's columns, as JSONL and Parquet, and a card with sources and licences,\nteacher and terms, funnel, seeds and hashes. The run need not be finished, but its selection must be.\n\nWith --to hf or gguf writes the student of a run, or a model of the Qwen2, Qwen3 or Llama family, with a card: data, recipe,\nscores, cost, licences. An adapter (LoRA, peft's layout) is merged into its base. Weights are read and written in small\npieces, whatever the model's size; those that are there already are kept. Sends nothing.",
  },
});
