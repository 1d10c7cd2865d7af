import { readModelFolder } from "../../adapters/model-folder.ts";
import type { GgufPlace } from "../../adapters/runtimes/open-gguf.ts";
import type { EvaluatedModel } from "../../evaluate/evaluated-model.ts";
import { type EndpointOptions, endpointModel } from "./endpoint-model.ts";
import { ggufModel } from "./gguf-model.ts";
import { type StudentOptions, studentModel } from "./student-model.ts";

/** Which model to open: a student's folder, a GGUF, or an endpoint. */
export type OpenModelOptions =
  | ({ readonly kind: "student"; readonly folder: string } & StudentOptions)
  | ({ readonly kind: "gguf"; readonly path: string } & StudentOptions & GgufPlace)
  | ({ readonly kind: "endpoint" } & EndpointOptions);

/** Opens a model to evaluate. Throws as `readModelFolder`, `studentModel`, `ggufModel` and `endpointModel` do. */
export async function openModel(options: OpenModelOptions): Promise<EvaluatedModel> {
  if (options.kind === "endpoint") return endpointModel(options);
  if (options.kind === "gguf") return await ggufModel(options);
  return studentModel(await readModelFolder(options.folder), options);
}
