/** A list as a file of comma-separated values, with the columns that are shown. */
import type { Row } from "../api/client";
import type { Column, Resource } from "../resources/declare";

/** Quoted where it must be; what a spreadsheet would take for a formula is text. */
export function csvCell(value: string): string {
  const safe = /^[=+@\t\r-]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

export function csvOf(columns: Column[], rows: Row[]): string {
  const lines = [columns.map((column) => csvCell(column.label)), ...rows.map((row) => columns.map((column) => csvCell(column.text(row))))];
  return `${lines.map((line) => line.join(",")).join("\r\n")}\r\n`;
}

export function saveFile(name: string, content: string, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export const saveCsv = (resource: Resource, columns: Column[], rows: Row[]): void =>
  saveFile(`${resource.place}.csv`, `\uFEFF${csvOf(columns, rows)}`, "text/csv;charset=utf-8");
