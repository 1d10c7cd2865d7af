/** A form with one file, as upload APIs take it: headers and body. */
export function multipart(
  fields: Readonly<Record<string, string>>,
  fileName: string,
  file: Uint8Array,
): { headers: Record<string, string>; body: Buffer } {
  const boundary = "----grappa-upload-7f0c1d"; // a JSONL line begins with `{`, so it cannot stand in one
  const head = Object.entries(fields)
    .map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join("");
  const fileHead = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${fileName}"\r\nContent-Type: application/jsonl\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head + fileHead), file, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { headers: { "content-type": `multipart/form-data; boundary=${boundary}` }, body };
}
