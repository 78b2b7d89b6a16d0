// Lets the browser download `url` by itself: its own progress, any size, nothing held in memory.

export function startDownload(url: string): void {
  const link = document.createElement("a");
  link.href = url;
  // The server names the file.
  link.download = "";
  link.click();
}

/** Lets the browser save what is already here, under the server's name for it. */
export function saveBlob({ blob, fileName }: { blob: Blob; fileName: string }): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  // The download holds on to the bytes by itself once it has begun.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
