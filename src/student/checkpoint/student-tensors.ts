/** @file The tensors that a student of each family has, by Hugging Face's names. */
import { AppError } from "../../core/errors.ts";
import { architectureOf, type StudentConfig } from "./student-config.ts";

/** Every tensor of a student in Hugging Face's names, with its shape; the tied head has no tensor of its own. */
export function studentTensorShapes(config: StudentConfig): Map<string, readonly number[]> {
  const { hiddenSize, intermediateSize, vocabularySize } = config;
  const architecture = architectureOf(config);
  const query = config.heads * config.headSize;
  const key = config.kvHeads * config.headSize;
  const shapes = new Map<string, readonly number[]>([["model.embed_tokens.weight", [vocabularySize, hiddenSize]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    for (const [name, rows] of [
      ["q", query],
      ["k", key],
      ["v", key],
    ] as const) {
      shapes.set(`${at}.self_attn.${name}_proj.weight`, [rows, hiddenSize]);
      if (architecture === "qwen2") shapes.set(`${at}.self_attn.${name}_proj.bias`, [rows]);
    }
    if (architecture === "qwen3")
      for (const name of ["q", "k"]) shapes.set(`${at}.self_attn.${name}_norm.weight`, [config.headSize]);
    shapes.set(`${at}.self_attn.o_proj.weight`, [hiddenSize, query]);
    shapes.set(`${at}.mlp.gate_proj.weight`, [intermediateSize, hiddenSize]);
    shapes.set(`${at}.mlp.up_proj.weight`, [intermediateSize, hiddenSize]);
    shapes.set(`${at}.mlp.down_proj.weight`, [hiddenSize, intermediateSize]);
    shapes.set(`${at}.input_layernorm.weight`, [hiddenSize]).set(`${at}.post_attention_layernorm.weight`, [hiddenSize]);
  }
  shapes.set("model.norm.weight", [hiddenSize]);
  if (!config.isTied) shapes.set("lm_head.weight", [vocabularySize, hiddenSize]);
  return shapes;
}

/** Frequencies that old Llama checkpoints repeat in every layer; they follow from the config. */
const OLD_BUFFER = /^model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/;

/**
 * Checks that a checkpoint holds exactly a student's tensors. A tied student's file may repeat the head, which is ignored.
 *
 * @throws {AppError} checkpoint-corrupt, naming the first tensor that is missing, unknown or of another shape.
 */
export function checkStudentTensors(
  config: StudentConfig,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): void {
  const shapes = studentTensorShapes(config);
  const fault = (detail: string): AppError =>
    new AppError("checkpoint-corrupt", `model.safetensors: ${detail}`, {
      hint: "config.json and model.safetensors must come from one model",
    });
  for (const [name, shape] of shapes) {
    const found = tensors.get(name);
    if (found === undefined) throw fault(`${name} is missing`);
    if (found.shape.join("x") !== shape.join("x"))
      throw fault(`${name} has shape ${found.shape.join("x")}, config.json asks for ${shape.join("x")}`);
  }
  for (const name of tensors.keys()) {
    if (!shapes.has(name) && !(config.isTied && name === "lm_head.weight") && !OLD_BUFFER.test(name))
      throw fault(`${name.slice(0, 200)} is not a tensor of this architecture`);
  }
}
