/** @file Adapters of low rank on disk, as `peft` opens them beside their base. */
import { join } from "node:path";
import { encodeSafetensors, type NamedTensors } from "../student/checkpoint/safetensors.ts";
import type { LoraSettings } from "../student/lora.ts";
import { nodeFileSystem } from "./file-system.ts";

/** What to write into an adapter's folder. */
export interface AdapterContent {
  /** In peft's names; see `exportAdapter`. */
  readonly adapter: NamedTensors;
  readonly settings: LoraSettings;
  /** Name of the base, for who opens the adapter. */
  readonly base: string;
}

/** Writes `adapter_model.safetensors` and `adapter_config.json`. Throws as `writeAtomic`. */
export async function writeAdapterFolder(folder: string, { adapter, settings, base }: AdapterContent): Promise<void> {
  const files = nodeFileSystem();
  await files.writeAtomic(join(folder, "adapter_model.safetensors"), encodeSafetensors(adapter));
  const modules = [...adapter.keys()].flatMap((name) => /(\w+)\.lora_[AB]\.weight$/.exec(name)?.[1] ?? []);
  const config = {
    base_model_name_or_path: base,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    lora_alpha: settings.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: settings.rank,
    target_modules: [...new Set(modules)].sort((a, b) => (a < b ? -1 : 1)),
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  };
  await files.writeAtomic(join(folder, "adapter_config.json"), `${JSON.stringify(config, null, 2)}\n`);
}
