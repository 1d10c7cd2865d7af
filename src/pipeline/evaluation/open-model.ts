import { readModelFolder } from "../../adapters/model-folder.ts";
import type { EvaluatedModel } from "../../evaluate/evaluated-model.ts";
import { type EndpointOptions, endpointModel } from "./endpoint-model.ts";
import { type StudentOptions, studentModel } from "./student-model.ts";

/** Which model to open: a student's folder, or an endpoint. */
export type OpenModelOptions =
  | ({ readonly kind: "student"; readonly folder: string } & StudentOptions)
  | ({ readonly kind: "endpoint" } & EndpointOptions);

/** Opens a model to evaluate. Throws as `readModelFolder`, `studentModel` and `endpointModel` do. */
export async function openModel(options: OpenModelOptions): Promise<EvaluatedModel> {
  if (options.kind === "endpoint") return endpointModel(options);
  return studentModel(await readModelFolder(options.folder), options);
}
