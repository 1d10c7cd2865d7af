/** Version of all records on disk; raised when a field changes meaning. Apart from them, since a page needs no schemas. */
export const SCHEMA_VERSION = 1;
