import { visibleText } from "../../report/plain-text.ts";
import type { Cell, DataTable as Table } from "../../report/view/data-table.ts";

function Content({ cell: { text, basis, bar } }: { readonly cell: Cell }) {
  return (
    <>
      {bar !== undefined && <Bar share={bar} />}
      <span class="figure">{visibleText(text)}</span>
      {basis !== undefined && <span class="tag">{basis}</span>}
    </>
  );
}

/** A bar from 0 to 1, where the eye should compare; what it says stands beside it in figures. */
export function Bar({ share }: { readonly share: number }) {
  const width = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <svg class="small-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="8" />
      <rect class="fill" width={width} height="8" />
    </svg>
  );
}

/** A table of the report's view models; it scrolls sideways by itself where the screen is too narrow. */
export function DataTable({ table: { caption, columns, rows } }: { readonly table: Table }) {
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ label, isNumber }) => (
              <th key={label} scope="col" class={isNumber ? "number" : ""}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ cells, tone }, at) => (
            <tr key={at} class={tone}>
              {cells.map((cell, column) =>
                column === 0 ? (
                  <th key={column} scope="row">
                    <Content cell={cell} />
                  </th>
                ) : (
                  <td key={column} class={columns[column]?.isNumber ? "number" : "words"}>
                    <Content cell={cell} />
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
