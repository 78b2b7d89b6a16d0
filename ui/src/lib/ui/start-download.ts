// Lets the browser download `url` by itself: its own progress, any size, nothing held in memory.

export function startDownload(url: string): void {
  const link = document.createElement("a");
  link.href = url;
  // The server names the file.
  link.download = "";
  link.click();
}
