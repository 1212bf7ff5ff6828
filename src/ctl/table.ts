// Aligned columns for a terminal. Cells come from outside (interface and rule names), so they are made printable here.
import { printable } from "../base/printable.ts";

/** A heading; numbers align right. */
export type Column = { head: string; align?: "right" };

/** Lines without trailing blanks, columns two blanks apart, wide characters counted as wide. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map((column) => column.head), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => Bun.stringWidth(line[index] ?? ""))));
  return lines
    .map((line) =>
      columns
        .map((column, index) => {
          const cell = line[index] ?? "";
          const padding = " ".repeat(Math.max(0, (widths[index] ?? 0) - Bun.stringWidth(cell)));
          return column.align === "right" ? padding + cell : cell + padding;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
