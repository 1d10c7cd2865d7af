import type { SchemaElement } from "hyparquet";
import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";

/** A column to write; `texts` holds a list of texts in each row. */
export interface ParquetColumn {
  readonly name: string;
  readonly kind: "text" | "texts" | "whole";
  readonly values: readonly unknown[];
}

/** Rows in memory at a time when such a file is read. */
const GROUP_ROWS = 1000;
const TEXT = { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } } as const;

/** A Parquet file (Snappy) of these columns, all of one length; any value may be null. The same values give the same bytes. */
export function writeParquet(columns: readonly ParquetColumn[]): Uint8Array {
  const schema = [
    { name: "schema", num_children: columns.length },
    ...columns.flatMap(({ name, kind }) => elementsOf(name, kind)),
  ];
  const columnData = columns.map(({ name, values }): ColumnSource => ({ name, data: [...values] }));
  return new Uint8Array(parquetWriteBuffer({ schema, columnData, rowGroupSize: GROUP_ROWS, createdBy: "grappa" }));
}

function elementsOf(name: string, kind: ParquetColumn["kind"]): SchemaElement[] {
  if (kind === "text") return [{ name, repetition_type: "OPTIONAL", ...TEXT }];
  if (kind === "whole") return [{ name, repetition_type: "OPTIONAL", type: "INT64" }];
  const list = { converted_type: "LIST", logical_type: { type: "LIST" }, num_children: 1 } as const;
  return [
    { name, repetition_type: "OPTIONAL", ...list },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "OPTIONAL", ...TEXT },
  ];
}
